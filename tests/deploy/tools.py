"""The programs that read what lies in deploy/."""

import shutil
import subprocess
from pathlib import Path

from ..kit.missing import Missing

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
# `make docs` makes this environment, of requirements-docs.txt.
OWN = ROOT / ".venv-docs" / "bin"
SBIN = "/usr/sbin:/sbin"


def tool(name: str) -> str:
    """Find a program, in the environment of requirements-docs.txt or on the machine."""
    found = shutil.which(name, path=str(OWN)) or shutil.which(name)
    found = found or shutil.which(name, path=SBIN)
    if not found:
        raise Missing(name)
    return found


def run(name: str, *words: str | Path, **environ: str) -> subprocess.CompletedProcess:
    """Run a program to its end; its words to both outputs are in `stdout`."""
    return subprocess.run(
        [tool(name), *map(str, words)],
        env={"PATH": f"/usr/bin:/bin:{SBIN}", "HOME": "/nonexistent", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
