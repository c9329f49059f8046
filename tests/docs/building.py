"""Builds the documentation."""

import subprocess
from pathlib import Path

from ..deploy.tools import tool


def build(root: Path, target: Path) -> subprocess.CompletedProcess:
    """Run MkDocs, strictly.

    Args:
        root: where mkdocs.yml is.
        target: the directory for the site.
    """
    return subprocess.run(
        [tool("mkdocs"), "build", "--strict", "--site-dir", str(target)],
        cwd=root,
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
