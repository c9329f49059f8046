"""The front replaced under load, with its listening socket handed on: nobody notices."""

import signal
import socket
import sys
import threading

import pytest

from ..chaos.users import User
from ..kit.processes import Process
from ..kit.waiting import wait_until
from .fault_site import ROUNDS

REPLACEMENTS = 10 if ROUNDS > 1 else 3
USERS = 8
BETWEEN = 40  # answers between two replacements, at least


class Fronts:
    """Fronts one after another on one listening socket.

    Args:
        site: whose they are.
    """

    def __init__(self, site):
        self._site = site
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self._listening.getsockname()[1]
        self._running: list[Process] = []
        self.replaced = 0
        self._start()

    def _start(self) -> None:
        fd = self._listening.fileno()
        words = ("runqueueproxy", "--server", "uvicorn", "--fd", str(fd))
        log = self._site.directory / f"front{self.replaced}"
        command = [sys.executable, "-m", "django", *words]
        front = Process(command, log, environ=self._site.environ, pass_fds=[fd])
        self._running.append(front)
        front.until(lambda: front.pid in self._on_the_list(), "the front")

    def _on_the_list(self) -> list[int]:
        return [front["pid"] for front in self._site.status()["fronts"]]

    def replace(self) -> None:
        """Start the next; when it serves, let the one before finish and end."""
        old = self._running[-1]
        self._start()
        old.send_signal(signal.SIGTERM)
        assert old.wait(30) == 0
        self._running.remove(old)
        self.replaced += 1

    def stop(self) -> None:
        for front in self._running:
            front.kill()
            front.wait()
        self._listening.close()


@pytest.fixture
def site(make_site):
    site = make_site(MAX_HOLD=60)
    site.workers("--processes", "2", "--threads", "4")
    yield site
    site.stop()


def test_a_front_replaced_under_load(site):
    fronts = Fronts(site)
    stop = threading.Event()
    users = [User(number, [fronts.port], seed=1, stop=stop) for number in range(USERS)]
    try:
        for user in users:
            user.start()
        for _ in range(REPLACEMENTS):
            _wait_for_answers(users, BETWEEN)
            fronts.replace()
        _wait_for_answers(users, BETWEEN)
    finally:
        stop.set()
        for user in users:
            user.join(60)
        fronts.stop()
    outcomes = [outcome for user in users for outcome in user.outcomes]
    failed = [o for o in outcomes if o.wrong or (o.status != 200 and o.kind != "LEAVE")]
    assert failed == [], f"{len(failed)} of {len(outcomes)}"
    unsafe = [o for o in outcomes if o.kind in ("POST", "UPLOAD")]
    assert all(site.times(outcome.nonce) == 1 for outcome in unsafe[:100])


def _wait_for_answers(users: list[User], more: int) -> None:
    wanted = sum(len(user.outcomes) for user in users) + more
    wait_until(lambda: sum(len(user.outcomes) for user in users) >= wanted, "users go on", 60)
