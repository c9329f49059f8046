"""Looks at limits: those of the settings against each other, and against the system's."""

import os
import resource
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ... import conf
from ...conf import Settings
from ...servers.common.limits import MAX_CONNECTIONS, SPARE_FILES
from ...setting_rules import MIB
from .broker import State
from .finding import Finding

AREA = "limits"
NO_LIMIT = resource.RLIM_INFINITY


def examine(state: State) -> Iterator[Finding]:
    """Compare them.

    Args:
        state: of the broker: where a front runs on this machine, its own limits count.
    """
    settings = conf.get_settings()
    found = [*_open_files(settings, state), *_spool(settings), *_times(settings)]
    yield from found
    if not found:
        yield Finding(
            AREA,
            "ok",
            f"Up to {settings.max_depth} requests wait, for {settings.max_hold:g} s at most; open "
            "files, disk and times leave room for them.",
        )


def _open_files(settings: Settings, state: State) -> Iterator[Finding]:
    files, whose = _files_of_a_front(state) or (resource.getrlimit(resource.RLIMIT_NOFILE)[1], "")
    most = MAX_CONNECTIONS if files == NO_LIMIT else min(MAX_CONNECTIONS, files - SPARE_FILES)
    if most >= min(settings.max_depth, MAX_CONNECTIONS):
        return
    yield Finding(
        AREA,
        "warning",
        f"{whose or 'A process started here'} may open {files} files, so a front takes {most} "
        f"connections at most; MAX_DEPTH is {settings.max_depth}.",
        "Raise the limit (LimitNOFILE= under systemd, ulimit -Hn in a shell), or lower MAX_DEPTH.",
    )


def _files_of_a_front(state: State) -> tuple[int, str] | None:
    """Return the limit of a front on this machine, and its name, where the system tells (Linux)."""
    for front in state.snapshot.fronts if state.snapshot else ():
        if front["host"] != socket.gethostname() or not front["pid"]:
            continue
        try:
            lines = Path(f"/proc/{front['pid']}/limits").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("Max open files"):
                soft = line.split()[3]
                files = NO_LIMIT if soft == "unlimited" else int(soft)
                return files, f"The front (process {front['pid']})"
    return None


def _spool(settings: Settings) -> Iterator[Finding]:
    directory = settings.front_spool_dir or tempfile.gettempdir()
    free = shutil.disk_usage(directory).free
    if free < settings.front_spool:
        yield Finding(
            AREA,
            "warning",
            f"{directory} has {free // MIB} MiB free; FRONT_SPOOL lets a front keep "
            f"{settings.front_spool // MIB} MiB of large bodies there.",
            "Make room, name another directory in FRONT_SPOOL_DIR, or lower FRONT_SPOOL.",
        )
    if _is_memory(directory):
        yield Finding(
            AREA,
            "note",
            f"{directory} is kept in memory (tmpfs), and so are large bodies: up to "
            f"{settings.front_spool // MIB} MiB (FRONT_SPOOL).",
            "Name a directory on a disk in FRONT_SPOOL_DIR, or count it as memory.",
        )


def _is_memory(directory: str) -> bool:
    """Whether a directory is on a tmpfs (Linux; elsewhere it is not known)."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return False
    device = os.stat(directory).st_dev
    for line in mounts:
        _, where, kind, *_ = line.split()
        if kind == "tmpfs" and _device_of(where) == device:
            return True
    return False


def _device_of(path: str) -> int | None:
    try:
        return os.stat(path.encode().decode("unicode_escape")).st_dev
    except OSError:
        return None


def _times(settings: Settings) -> Iterator[Finding]:
    if settings.view_timeout and settings.view_timeout > settings.max_hold:
        yield Finding(
            AREA,
            "note",
            f"VIEW_TIMEOUT ({settings.view_timeout:g} s) is longer than MAX_HOLD "
            f"({settings.max_hold:g} s): a view may run on when its client has been turned away.",
            "Lower VIEW_TIMEOUT, unless such views are to finish for their effects.",
        )
