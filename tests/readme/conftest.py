"""A project as `django-admin startproject` makes it, and the README's steps done on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .newcomer import Newcomer
from .steps import read_steps

ROOT = Path(__file__).parents[2]
SOURCES = ("queueproxy", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The built wheel; made of a copy, so that nothing is left in this directory."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source)
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", built, source]
    subprocess.run(words, check=True, timeout=300)
    (wheel,) = built.glob("queueproxy-*.whl")
    return wheel


@pytest.fixture(scope="session")
def newcomer(wheel, tmp_path_factory):
    """Somebody who has done the first four steps, in a virtual environment of their own."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True, timeout=300)
    path = f"{home / 'venv' / 'bin'}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "QUEUEPROXY": str(wheel)}
    kept = ("PIP_INDEX_URL", "PIP_CACHE_DIR", "PIP_CONFIG_FILE", "SSL_CERT_FILE", "HTTPS_PROXY")
    environ |= {name: os.environ[name] for name in kept if name in os.environ}
    # What is never imported need not be compiled: a third of the time.
    environ |= {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environ.setdefault("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
    newcomer = Newcomer(home, environ)
    install, *others, _ = read_steps()
    newcomer.follow(install)
    newcomer.type("django-admin startproject mysite")
    newcomer.directory = home / "mysite"
    for step in others:
        newcomer.follow(step)
    return newcomer
