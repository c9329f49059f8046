"""nginx and HAProxy in front of a server, keeping their connections to it alive."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..kit.asking import listens
from ..kit.missing import Missing
from ..kit.ports import free_port
from ..kit.waiting import wait_until

NGINX = """
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream front {{
        server {upstream};
        keepalive 64;
        keepalive_timeout {idle_ms}ms;
    }}
    server {{
        listen 127.0.0.1:{port};
        large_client_header_buffers 4 32k;
        location / {{
            proxy_pass http://front;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            {more}
        }}
    }}
}}
"""
HAPROXY = """
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 15s
    timeout server 15s
    timeout http-keep-alive 15s
listen front
    bind 127.0.0.1:{port}
    http-reuse always
    server front {upstream} pool-purge-delay {purge_ms}ms
"""
HALVINGS = 5  # HAProxy closes half of its idle connections at a time; of 20 none are left
PROXIES = ("nginx", "haproxy")


@contextlib.contextmanager
def proxy(
    name: str, upstream: tuple[str, int], idle: float = 60, more: str = ""
) -> Iterator[tuple[str, int]]:
    """A proxy's address.

    Args:
        name: one of `PROXIES`.
        upstream: address of the server behind it.
        idle: seconds that it keeps an idle connection to the server.
        more: directives of nginx's location.
    """
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        raise Missing(name)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="qptest-") as directory:
        text = NGINX if name == "nginx" else HAPROXY
        config = Path(directory) / "conf"
        config.write_text(
            text.format(
                directory=directory,
                more=more,
                port=port,
                upstream=f"{upstream[0]}:{upstream[1]}",
                idle_ms=int(idle * 1000),
                purge_ms=int(idle * 1000 / HALVINGS),
            )
        )
        options = ["-p", directory, "-c"] if name == "nginx" else ["-db", "-f"]
        process = subprocess.Popen(
            [program, *options, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: listens(port), name)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait()
