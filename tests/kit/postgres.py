"""A private PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

from .missing import Missing
from .proc import children, is_alive
from .starting import starting
from .waiting import wait_until

ACCOUNTS = ("postgres", "nobody")  # the server refuses to run as root
STOP_WITHIN = 20.0  # seconds


def programs() -> Path | None:
    """The directory of initdb and postgres, of the newest version; None where there is none."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(found, key=lambda path: float(path.parts[-3]))
    beside = shutil.which("initdb")
    chosen = by_version[-1] if by_version else beside and Path(beside).resolve()
    return chosen.parent if chosen else None


class PostgresServer:
    """A server on a unix socket, in a temporary directory of its own.

    Attributes:
        directory: with its socket.

    Args:
        durable: whether it waits for the disk.

    Raises:
        Missing: it is not installed.
    """

    def __init__(self, *, durable: bool = False):
        found = programs()
        if found is None:
            raise Missing("PostgreSQL's server (Debian: apt-get install postgresql)")
        self._programs = found
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._account = _account()
        self.directory = Path(tempfile.mkdtemp(prefix="qppg-"))
        if self._account:
            os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)

    @property
    def url(self) -> str:
        """A DATABASE_URL; psycopg takes it too."""
        return f"postgresql://queueproxy@{quote(str(self.directory), safe='')}/postgres"

    def start(self) -> "PostgresServer":
        """Make the files, start it and wait until it answers."""
        with starting(self):
            self._start()
        return self

    def start_as_standby(self, primary: "PostgresServer") -> "PostgresServer":
        """The same with a copy of another's files, which follows that one."""
        place = f"host={primary.directory} user=queueproxy application_name={self.directory.name}"
        how = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--dbname", place)
        with starting(self):
            if self._run("pg_basebackup", "-D", str(self.directory / "data"), *how).wait():
                raise RuntimeError(f"PostgreSQL could not be copied:\n{self._log.read_text()}")
            self.serve()
        return self

    def _start(self) -> None:
        data = str(self.directory / "data")
        making = ("-U", "queueproxy", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._run("initdb", "-D", data, *making).wait()
        self.serve()

    def serve(self) -> None:
        """Start it on the files that are there, and wait until it answers."""
        data = str(self.directory / "data")
        self._process = self._run(
            *("postgres", "-D", data, "-k", str(self.directory), "-c", "listen_addresses="),
            *("-c", f"fsync={'on' if self._durable else 'off'}"),
            *("-c", "wal_retrieve_retry_interval=200ms"),  # of a standby: it waits for its primary
        )
        wait_until(lambda: self._answers() or self._running.poll() is not None, "PostgreSQL")
        if self._running.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def kill(self) -> None:
        """SIGKILL to all of its processes; what was committed stands in its files."""
        pid = self._running.pid
        os.kill(pid, signal.SIGSTOP)  # it starts no more of them
        backends = children(pid)
        for one in [pid, *backends]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._running.wait()
        wait_until(lambda: not any(map(is_alive, backends)), "the end of PostgreSQL")

    def remove_files(self) -> None:
        """Take away what it has stored; it has to have ended."""
        shutil.rmtree(self.directory / "data")

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _run(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [self._programs / program, *words],
                cwd=self.directory,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for who started it, who still needs it
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End it and take its files away."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """Whom to run it as; None: as whom we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)
