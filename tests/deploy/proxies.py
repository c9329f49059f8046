"""nginx, HAProxy and Caddy as deploy/ sets them up, on ports and with certificates of the tests."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..kit.ports import free_port
from ..tls import write_certificate
from .tools import DEPLOY, tool

SOCKET = "/run/queueproxy/front.sock"  # in nginx' and Caddy's files
TCP = "127.0.0.1:8000"  # in HAProxy's

NGINX = """\
daemon off;
{user}
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""
CADDY = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"


class Proxy:
    """One of them.

    Args:
        name: nginx, haproxy or caddy.
        directory: for its configuration and what it writes.
        front: where the front listens, a path or ``host:port``.
    """

    def __init__(self, name: str, directory: Path, front: str):
        self.name = name
        self.port = free_port()
        self._directory = directory
        self._front = front
        self._certificate, self._key = directory / "proxy.pem", directory / "proxy-key.pem"
        write_certificate(self._certificate, self._key)
        self._process: subprocess.Popen | None = None
        self.log = directory / f"{name}.log"

    def check(self) -> subprocess.CompletedProcess:
        """Let it read its configuration, and say what it thinks of it."""
        return self._run(self._words(self._write(), check=True))

    def start(self) -> "Proxy":
        """Start it; it may take a moment until it listens."""
        words = self._words(self._write(), check=False)
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=subprocess.STDOUT, env=self._environ()
            )
        return self

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _run(self, words: list[str]) -> subprocess.CompletedProcess:
        return subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            env=self._environ(),
        )

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "XDG_DATA_HOME": str(self._directory)}

    def _write(self) -> Path:
        """Write the file of deploy/ with the tests' places in it; and what goes around it."""
        write: Callable[[], Path] = getattr(self, f"_write_{self.name}")
        return write()

    def _words(self, file: Path, *, check: bool) -> list[str]:
        program = tool(self.name)
        if self.name == "nginx":
            return [
                program,
                "-p",
                str(self._directory),
                "-c",
                str(file),
                *(["-t"] if check else []),
            ]
        if self.name == "haproxy":
            return [program, *(["-c"] if check else ["-db"]), "-f", str(file)]
        verb = "validate" if check else "run"
        return [program, verb, "--adapter", "caddyfile", "--config", str(file)]

    def _write_nginx(self) -> Path:
        site = replaced(
            DEPLOY / "nginx" / "queueproxy.conf",
            {
                "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                SOCKET: self._front,
                "/etc/ssl/mysite/fullchain.pem": str(self._certificate),
                "/etc/ssl/mysite/key.pem": str(self._key),
            },
        )
        (self._directory / "site.conf").write_text(site)
        user = "user root;" if os.geteuid() == 0 else ""
        file = self._directory / "nginx.conf"
        file.write_text(NGINX.format(user=user, directory=self._directory))
        return file

    def _write_haproxy(self) -> Path:
        both = self._directory / "both.pem"
        both.write_text(self._certificate.read_text() + self._key.read_text())
        text = replaced(
            DEPLOY / "haproxy" / "haproxy.cfg",
            {
                "bind :443": f"bind 127.0.0.1:{self.port}",
                "/etc/ssl/mysite/site.pem": str(both),
                TCP: self._front,
            },
        )
        file = self._directory / "haproxy.cfg"
        file.write_text(text)
        return file

    def _write_caddy(self) -> Path:
        text = replaced(
            DEPLOY / "caddy" / "Caddyfile",
            {
                "example.com {": f"https://127.0.0.1:{self.port} {{\n"
                f"\ttls {self._certificate} {self._key}",
                SOCKET: self._front,
            },
        )
        file = self._directory / "Caddyfile"
        file.write_text(CADDY + text)
        return file


def replaced(file: Path, words: dict[str, str]) -> str:
    """Read a file and put in the tests' words; each of the old ones must be there."""
    text = file.read_text()
    for old, new in words.items():
        assert old in text, f"{file} has no {old!r}"
        text = text.replace(old, new)
    return text
