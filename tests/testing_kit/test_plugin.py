"""Runs the small project's own suite, in a process of its own as its developers do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = Path(__file__).parent / "suite"


def suite(name: str, *options: str, **environ: str) -> subprocess.CompletedProcess:
    """Run one file of it."""
    kept = ("DJANGO_SETTINGS_MODULE", "REDIS_URL", "QUEUEPROXY_", "PYTEST_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(kept)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pytest.ini", f"suite_{name}.py", *options],
        cwd=SUITE,
        env={**inherited, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=300,
    )


def passed(done: subprocess.CompletedProcess) -> int:
    """How many tests passed; all must."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"(\d+) passed", done.stdout).group(1))


def test_within_the_process():
    assert passed(suite("through_queue")) >= 14


def test_a_suite_that_knows_nothing_of_the_queue():
    plain = suite("plain")
    assert passed(plain) == 2
    assert "went through the queue" not in plain.stdout
    queued = suite("plain", "--through-queue")
    assert passed(queued) == 2
    assert "queueproxy: 3 requests went through the queue" in queued.stdout


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_live(server, tmp_path):
    assert passed(suite("live", "-o", f"live_queue_server={server}", TMPDIR=str(tmp_path))) >= 12
    assert [one for one in tmp_path.iterdir() if not one.name.startswith("pytest-")] == []


def test_live_with_a_database_on_disk(tmp_path):
    """As with PostgreSQL: each thread has a connection of its own, to the test database."""
    (tmp_path / "on_disk.py").write_text(
        "from tests.testing_kit.settings import *\n"
        f"DATABASES['default'] |= {{'NAME': {str(tmp_path / 'db')!r}, "
        f"'TEST': {{'NAME': {str(tmp_path / 'test-db')!r}}}, "
        "'OPTIONS': {'timeout': 20, 'transaction_mode': 'IMMEDIATE'}}\n"
    )
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    assert passed(suite("live", "--ds=on_disk", PYTHONPATH=path)) >= 12


def test_a_front_that_cannot_start_says_why(tmp_path):
    (tmp_path / "broken.py").write_text(
        "from tests.testing_kit.settings import *\nASGI_APPLICATION = 'nowhere.application'\n"
    )
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    done = suite("live", "-k", "patched", "--ds=broken", PYTHONPATH=path)
    assert done.returncode == 1
    assert "The front of the live queue did not start" in done.stdout
    assert "nowhere" in done.stdout
