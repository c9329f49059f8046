"""A private MariaDB, where its server and a driver that Django takes are installed."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from .starting import starting
from .waiting import wait_until

ACCOUNT = "nobody"  # the server refuses to run as root


def is_available() -> bool:
    """Whether a driver and the server are there (mariadb-server-core, mariadb-client-core)."""
    drivers = map(importlib.util.find_spec, ("MySQLdb", "pymysql"))
    return shutil.which("mariadbd") is not None and any(drivers)


def use_driver() -> None:
    """Let Django find a driver: PyMySQL in the place of mysqlclient, where that is not there."""
    if importlib.util.find_spec("MySQLdb") is None:
        import pymysql  # type: ignore[import-untyped]

        pymysql.version_info = (2, 2, 1, "final", 0)  # what Django asks mysqlclient for
        pymysql.install_as_MySQLdb()


class MariaDBServer:
    """A server on a unix socket, in a temporary directory of its own."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="qpmy-"))
        self.socket = str(self._directory / "s")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "MariaDBServer":
        """Make the files, start it and wait until it answers."""
        with starting(self):
            self._start()
        return self

    def _start(self) -> None:
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self._directory, account.pw_uid, account.pw_gid)
        method = "--auth-root-authentication-method=normal"
        self._run("mariadb-install-db", *self._own, method).wait()
        self.serve()

    @property
    def _own(self) -> tuple[str, ...]:
        own = ("--no-defaults", f"--datadir={self._directory / 'data'}")
        return (*own, f"--user={ACCOUNT}") if os.geteuid() == 0 else own

    def serve(self) -> None:
        """Start it on the files that are there, and wait until it answers."""
        Path(self.socket).unlink(missing_ok=True)  # of one that was killed
        quick = ("--skip-networking", "--innodb-flush-log-at-trx-commit=2")  # SIGKILL loses nothing
        self._process = self._run("mariadbd", *self._own, f"--socket={self.socket}", *quick)
        wait_until(lambda: Path(self.socket).exists(), "MariaDB", 30)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def kill(self) -> None:
        """SIGKILL; what was committed stands in its files."""
        self._running.kill()
        self._running.wait()

    def _run(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("a") as log:
            return subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        """End it and take its files away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)
