"""Tells which fronts and workers' supervisors of a project run on this machine: a file for each.

A process keeps a lock on its file (fcntl(2), F_SETLK) until it ends, however that comes, and the
kernel itself says who holds a lock (F_GETLK). So a file that a killed process has left is never
believed, and a process that has got its number meanwhile is never signalled.
"""

import contextlib
import fcntl
import json
import os
import re
import signal
import stat
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

FRONT, WORKERS = "front", "workers"
_NAME = re.compile(rf"(?P<kind>{FRONT}|{WORKERS})-(?P<pid>[0-9]{{1,10}})\.json")
_MOST = 64 * 1024  # bytes of a file that are read
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# struct flock: of Linux; of macOS and the BSDs, where the numbers come first.
_LINUX = sys.platform == "linux"
_FLOCK = "hhqqi4x" if _LINUX else "qqihh4x"


class Unusable(Exception):
    """The directory of these files can't be used; the text says why."""


@dataclass(frozen=True)
class RunningProcess:
    """A process that holds the lock on its file.

    Args:
        kind: FRONT or WORKERS.
        pid: as the kernel names the lock's holder.
        told: what it tells of itself.
    """

    kind: str
    pid: int
    told: Mapping[str, Any]
    _directory: Path
    _name: str

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.signal(0)

    def signal(self, number: int) -> bool:
        """Send it a signal; False where it has ended. 0 sends nothing.

        Raises:
            PermissionError: it is another user's.
        """
        try:
            with _opened(self._directory) as directory:
                file = _open(directory, self._name)
                try:
                    return _signal_holder(file, self.pid, number)
                finally:
                    os.close(file)
        except (FileNotFoundError, ProcessLookupError):
            return False


class RunDirectory:
    """The directory of one project's files.

    Args:
        path: of the directory, made where it is missing.
        project: what tells this project's processes from those of others in the same directory.
    """

    def __init__(self, path: Path, project: Mapping[str, str]):
        self.path = path
        self._project = dict(project)

    @contextlib.contextmanager
    def entered(self, kind: str, told: Mapping[str, Any]) -> Iterator[Callable[..., None]]:
        """Have a file of this process here for as long as the context lasts.

        Yields:
            What tells more, by keyword.

        Raises:
            Unusable: nothing can be written here, or others may write here too.
        """
        pid, name = os.getpid(), f"{kind}-{os.getpid()}.json"
        try:
            self._make()
            for _ in self.running():  # takes away what killed processes have left
                pass
            file = self._create(name)
            tell = partial(_tell, file, {**told, **self._project})
            tell()
            self._show(name)
        except OSError as error:
            raise Unusable(f"{self.path}: {error.strerror or error}") from error
        try:
            yield tell
        finally:
            if os.getpid() == pid:  # not in a child that was forked meanwhile
                with contextlib.suppress(OSError), _opened(self.path) as directory:
                    os.unlink(name, dir_fd=directory)
                os.close(file)

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.path, 0o700)
            (self.path / ".gitignore").write_text("*\n")

    def _create(self, name: str) -> int:
        """Make the file, hidden yet, with a lock on it; its descriptor."""
        with _opened(self.path) as directory:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f".{name}", dir_fd=directory)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            file = os.open(f".{name}", flags, 0o600, dir_fd=directory)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _show(self, name: str) -> None:
        with _opened(self.path) as directory:
            os.rename(f".{name}", name, src_dir_fd=directory, dst_dir_fd=directory)

    def running(self) -> list[RunningProcess]:
        """List this project's processes, this one aside, by number; delete files without a holder.

        Raises:
            Unusable: others may write here, or this user may not read here.
        """
        try:
            with _opened(self.path) as directory:
                found = [self._read(directory, name) for name in os.listdir(directory)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unusable(f"{self.path}: {error.strerror or error}") from error
        return sorted(filter(None, found), key=lambda process: process.pid)

    def _read(self, directory: int, name: str) -> RunningProcess | None:
        match = _NAME.fullmatch(name)
        # To close a file ends all locks of this process on it (fcntl(2)).
        if match is None or int(match["pid"]) == os.getpid():
            return None
        try:
            file = _open(directory, name)
        except OSError:  # gone meanwhile, or no file of ours
            return None
        try:
            pid = _holder(file)
            if pid is None:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=directory)
            if not pid:
                return None
            told = _parsed(os.read(file, _MOST))
        finally:
            os.close(file)
        if any(told.get(key) != value for key, value in self._project.items()):
            return None
        return RunningProcess(match["kind"], pid, MappingProxyType(told), self.path, name)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open the directory, so that nothing can be put in its place any more.

    Raises:
        OSError: it is no directory, is a link, or is another user's.
    """
    directory = os.open(path, _DIRECTORY)
    try:
        about = os.fstat(directory)
        if about.st_mode & _BY_OTHERS:
            raise PermissionError(0, "others may write there, so it is not believed (chmod 700)")
        if os.geteuid() not in (0, about.st_uid):
            raise PermissionError(0, "it is another user's")
        yield directory
    finally:
        os.close(directory)


def _open(directory: int, name: str) -> int:
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    about = os.fstat(file)
    ours = about.st_uid in (os.geteuid(), os.fstat(directory).st_uid)
    if not stat.S_ISREG(about.st_mode) or not ours or about.st_mode & _BY_OTHERS:
        os.close(file)
        raise PermissionError(0, f"{name} is no file of ours")
    return file


def _holder(file: int) -> int | None:
    """Ask the kernel who has the lock; None for nobody, 0 for one in another container."""
    wanted = (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0) if _LINUX else (0, 0, 0, fcntl.F_WRLCK, 0)
    answer = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_FLOCK, *wanted)))
    type_, pid = (answer[0], answer[4]) if _LINUX else (answer[3], answer[2])
    return None if type_ == fcntl.F_UNLCK else max(0, pid)


def _signal_holder(file: int, pid: int, number: int) -> bool:
    if not hasattr(os, "pidfd_open"):
        if _holder(file) != pid:
            return False
        os.kill(pid, number)
        return True
    process = os.pidfd_open(pid)
    try:
        # Asked once the process is held: from here on its number can't become another's.
        if _holder(file) != pid:
            return False
        signal.pidfd_send_signal(process, number)
        return True
    finally:
        os.close(process)


def _tell(file: int, told: dict[str, Any], **more: Any) -> None:
    """Write into a file what is told so far; who reads in the middle of it finds nothing."""
    told.update(more)
    raw = json.dumps(told).encode()
    os.ftruncate(file, 0)
    os.pwrite(file, raw, 0)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
