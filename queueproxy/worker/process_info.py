"""Finds what a worker process tells people of itself: which code it runs, its memory."""

import os
import resource
from pathlib import Path

RELEASE_VARIABLE = "QUEUEPROXY_RELEASE"
SHORT = 9  # characters of a commit's name
STATM = Path("/proc/self/statm")


def release(directory: Path) -> str:
    """Find the version of the code, as people know it; empty where nothing tells.

    The environment variable QUEUEPROXY_RELEASE, or else the commit checked out at `directory` or
    above it. The files of git are read and git itself is not run: it may not be installed.
    """
    told = os.environ.get(RELEASE_VARIABLE, "")
    if told:
        return told
    for place in (directory, *directory.parents):
        if (place / ".git").exists():
            return _commit(place / ".git")[:SHORT]
    return ""


def _commit(git: Path) -> str:
    try:
        if git.is_file():  # a worktree: one line that says where the rest is
            git = git.parent / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        return _commit_of_branch(git, head.removeprefix("ref:").strip())
    except OSError:
        return ""


def _commit_of_branch(git: Path, branch: str) -> str:
    common = git / "commondir"
    shared = git / common.read_text().strip() if common.exists() else git
    if (shared / branch).exists():
        return (shared / branch).read_text().strip()
    for line in (shared / "packed-refs").read_text().splitlines():
        commit, _, name = line.partition(" ")
        if name == branch:
            return commit
    return ""


def memory_bytes() -> int:
    """Resident memory of this process; where the system does not tell, the most it ever had."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
