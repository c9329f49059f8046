"""The probe site as users run it: behind gunicorn, and behind the queue."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from ..kit.asking import get, listens
from ..kit.broker_server import BrokerServer
from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.processes import STARTS_WITHIN
from ..kit.waiting import wait_until

GUNICORN = {
    "gunicorn sync": ("--worker-class", "sync"),
    "gunicorn gthread": ("--worker-class", "gthread", "--threads", "4"),
}
QUEUE = {"queue, 1 thread": 1, "queue, 4 threads": 4}  # threads of the one worker process
ARRANGEMENTS = (*GUNICORN, *QUEUE)

# Method and path. Each user is somebody else: what one leaves behind is seen in another's report.
REQUESTS = (
    ("GET", "/ok/?a=1"),
    ("POST", "/ok/"),
    ("HEAD", "/ok/"),
    ("GET", "/page/"),
    ("GET", "/named/alice/"),
    ("GET", "/error/"),
    ("GET", "/named/bob/error/"),
    ("GET", "/error/"),
    ("GET", "/missing/"),
    ("GET", "/stream/"),
    ("GET", "/stream/page/"),
    ("GET", "/stream/carol/error/"),
    ("GET", "/file/"),
    ("GET", "/async/"),
    ("GET", "/async/dan/error/"),
    ("GET", "/async/stream/"),
    ("GET", "/async/stream/erin/error/"),
    ("GET", "/repeated/"),
    ("GET", "/error/"),
)
CROWD = tuple(("GET", f"/named/user-{n}/error/") for n in range(24))  # all at the same time


class Arrangement(Commands):
    """One way of serving, with one agent.

    Args:
        name: of ARRANGEMENTS.
        agent: a module of `probe`.
        directory: for the site's files.
    """

    may_trace = True  # OpenTelemetry is one of the agents

    def __init__(self, name: str, agent: str, directory: Path):
        self.name = name
        self.port = free_port()
        self._broker = BrokerServer()
        environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.agents.probe.settings",
            "QUEUEPROXY_BROKER_URL": self._broker.url,
            "PROBE_AGENT": agent,
            "PROBE_DIRECTORY": str(directory),
        }
        program = ("-m",)
        if agent == "new_relic":
            environ |= {"NEW_RELIC_DEVELOPER_MODE": "on", "NEW_RELIC_STARTUP_TIMEOUT": "10"}
            environ |= {"NEW_RELIC_LOG": str(directory / "agent.log")}
            program = ("-m", "newrelic.admin", "run-program", sys.executable, "-m")
        super().__init__(directory, environ, program)
        (directory / "file").write_text("a file\n" * 10_000)

    def start(self) -> None:
        """Serve; returns once the site answers and, behind the queue, a worker is there."""
        if self.name in GUNICORN:
            words = ("--bind", f"127.0.0.1:{self.port}", "--log-level", "critical")
            self.manage("gunicorn", "tests.agents.probe.wsgi", *words, *GUNICORN[self.name])
        else:
            self._broker.start()
            (self.directory / "kill").touch()
            self.manage("django", "runqueueproxy", str(self.port), "--server", "uvicorn")
            threads = str(QUEUE[self.name])
            self.manage("django", "runqueueworker", "--processes", "1", "--threads", threads)
        wait_until(self._serves, f"{self.name}: {self.directory}", STARTS_WITHIN)

    def _serves(self) -> bool:
        if self.name in GUNICORN:  # whose connections wait until its worker is there
            return listens(self.port)
        return get(self.port, "/-/readyz").status == 200

    def answer(self, method: str, path: str) -> tuple[int, str, str]:
        """Status, type and body; the body ends with ``...`` where it was cut short."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with httpx.stream(method, url, timeout=90) as response:
            body = b""
            try:
                for piece in response.iter_bytes():
                    body += piece
            except httpx.RemoteProtocolError:
                body += b"..."
            return response.status_code, response.headers["Content-Type"], body.decode()

    def answers(self) -> list:
        """Answers to REQUESTS, one after the other, then to the CROWD."""
        answers = [self.answer(*request) for request in REQUESTS]
        with ThreadPoolExecutor(len(CROWD)) as pool:
            return answers + list(pool.map(lambda request: self.answer(*request), CROWD))

    def reports(self) -> list[dict]:
        """What the agents reported; call it once all is stopped."""
        return [json.loads(line) for line in (self.directory / "reports").read_text().splitlines()]

    def stop(self, within: float = 60) -> None:
        """End every process, as an operator does: what agents report at the end counts too."""
        super().stop(within)
        self._broker.stop()
