"""Which release a worker says it runs, and its memory."""

import subprocess
import sys

import pytest

from queueproxy.worker.process_info import release


def git(directory, *words):
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=directory, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.delenv("QUEUEPROXY_RELEASE", raising=False)
    directory = tmp_path / "checkout"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "main")
    git(directory, "commit", "-q", "--allow-empty", "-m", "First")
    return directory


def test_the_environment_names_it(checkout, monkeypatch):
    monkeypatch.setenv("QUEUEPROXY_RELEASE", "2026-11-24")
    assert release(checkout) == "2026-11-24"


def test_the_commit_of_a_branch(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert release(checkout) == commit[:9]
    below = checkout / "a" / "b"
    below.mkdir(parents=True)
    assert release(below) == commit[:9]
    git(checkout, "pack-refs", "--all")
    assert release(checkout) == commit[:9]


def test_the_commit_where_no_branch_is_checked_out(checkout):
    git(checkout, "checkout", "-q", "--detach")
    assert release(checkout) == git(checkout, "rev-parse", "HEAD")[:9]


def test_a_worktree(checkout, tmp_path):
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "Second")
    assert release(tmp_path / "other") == git(tmp_path / "other", "rev-parse", "HEAD")[:9]


def test_nothing_tells(checkout, tmp_path):
    assert release(tmp_path) == ""
    (checkout / ".git" / "HEAD").write_text("ref: refs/heads/unborn")
    assert release(checkout) == ""


def test_memory_is_that_of_this_process():
    """In a small process: the system may take cold pages from one that has run many tests."""
    program = (
        "from queueproxy.worker.process_info import memory_bytes as now\n"
        "before = now(); ballast = b'x' * 50_000_000; print(before, now())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    assert before + 40_000_000 < after < before + 100_000_000
