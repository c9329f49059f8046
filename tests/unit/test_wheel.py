"""What the wheel has in it: the package as it stands in the source, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As an installer does it (PEP 517), in the directory of the project.
BUILD = """
import importlib, sys, tomllib
system = tomllib.load(open("pyproject.toml", "rb"))["build-system"]
print(importlib.import_module(system["build-backend"]).build_wheel(sys.argv[1]))
"""


@pytest.fixture
def project(tmp_path):
    """A copy of all that a wheel is made of."""
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "queueproxy", copy / "queueproxy")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    return copy


def wheel_of(project: Path, directory: Path) -> set[str]:
    """Build it; the names of the package's files in it."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(directory)],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    )
    with zipfile.ZipFile(directory / done.stdout.splitlines()[-1]) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def source_of(project: Path) -> set[str]:
    files = {path for path in (project / "queueproxy").rglob("*") if path.is_file()}
    return {str(path.relative_to(project)) for path in files if "__pycache__" not in path.parts}


def test_the_wheel_is_the_source(project, tmp_path):
    names = wheel_of(project, tmp_path)
    assert names == source_of(project)
    assert {"queueproxy/broker/scripts/enqueue.lua", "queueproxy/testing/plugin.py"} <= names


def test_what_an_earlier_build_left_is_not_in_it(project, tmp_path):
    before = source_of(project)
    stale = project / "build" / "lib" / "queueproxy" / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("raise SystemExit('of an earlier release')\n")
    (project / "queueproxy.egg-info").mkdir()
    (project / "queueproxy.egg-info" / "SOURCES.txt").write_text("queueproxy/stale.py\n")
    assert wheel_of(project, tmp_path) == before
