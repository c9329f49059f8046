"""What people do while the site is at work: pause, resume, hold, several of them at once."""

import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from queueproxy.broker.operate.control import Control
from queueproxy.broker.operate.hold import Hold
from queueproxy.exceptions import BrokerUnavailable

from ...kit.links import link_to
from ...kit.processes import ROOT
from ...kit.waiting import wait_until
from ..site import QUEUES, SETTINGS, Site
from ..users import bare_request

STILL_WITHIN = 8.0  # seconds until a pause has nothing in flight
LONGER = 20.0  # seconds more that a pause may last, which a busy machine does not end in time
WAIT_WITHIN = 3.0  # seconds until requests are on the queue
GONE_WITHIN = 5.0  # seconds until those of clients that have left are off it


def leave_while_paused(site: Site, chance: random.Random) -> None:
    """Clients that leave while everything is paused: none of their requests may ever run.

    Every second one has sent several requests on its connection, the first of them a POST.
    """
    _manage(site, "pause", "--timeout", str(LONGER))
    sent: dict[str, list[str]] = {}
    connections = []
    for number in range(10):
        nonce = f"gone{chance.getrandbits(40):x}"
        request = bare_request("GET", f"/run/{nonce}/")
        more = [f"{nonce}b", f"{nonce}c"] if number % 2 else []
        if more:
            request = bare_request("POST", f"/run/{nonce}/", "Content-Length: 1") + b"x"
        try:
            connection = socket.create_connection(("127.0.0.1", chance.choice(site.ports)), 5)
        except OSError:
            continue
        connection.sendall(request + b"".join(bare_request("GET", f"/run/{n}/") for n in more))
        connections.append(connection)
        sent[nonce] = [nonce, *more]
    gone = _leave(site, connections, sent)
    _manage(site, "resume")
    site.must_not_run += gone


def _leave(site: Site, connections: list[socket.socket], sent: dict[str, list[str]]) -> list[str]:
    """Leave once all wait; the requests that nobody may start any more.

    Args:
        connections: of the clients.
        sent: all that each has sent, by the first of it.
    """
    with link_to(site.broker.url) as link:
        control = Control(link)
        with suppress(AssertionError):  # a busy front: what it takes in later does not count
            wait_until(lambda: {*sent} <= _waiting(control), timeout=WAIT_WITHIN)
        waited = _waiting(control)
        for connection in connections:
            connection.close()
        gone = [nonce for first in sent if first in waited for nonce in sent[first]]
        with suppress(AssertionError):  # they are run, and the judge sees it
            wait_until(lambda: not {*gone} & _waiting(control), timeout=GONE_WITHIN)
        return gone if control.paused(QUEUES) else []


def _waiting(control: Control) -> set[str]:
    """The nonces of all that wait, which stand in their paths."""
    oldest = control.oldest(QUEUES, SETTINGS["MAX_DEPTH"])
    return {part for one in oldest for part in one.path.split("/")}


def hold_briefly(site: Site, chance: random.Random) -> None:
    """A pause and a resume."""
    _manage(site, "hold", "--timeout", "3", "--", "true")


def hold_among_pauses(site: Site, chance: random.Random) -> None:
    """A hold whose command runs while others pause, resume and hold: nothing runs inside."""
    length = 2 + chance.random() * 3
    command = (sys.executable, "-m", "tests.chaos.quiet", site.ledger.address, str(length))
    hold = threading.Thread(
        target=_manage, args=(site, "hold", "--timeout", str(STILL_WITHIN), "--", *command)
    )
    hold.start()
    others = _Others(site, chance)
    while hold.is_alive():
        others.meddle()
    others.close()


def pause_among_pauses(site: Site, chance: random.Random) -> None:
    """A person's pause, while others' shorter pauses and holds begin and end."""
    others = _Others(site, chance)
    length = 2 + chance.random() * 3
    try:
        others.control.pause(QUEUES, STILL_WITHIN + length + LONGER, by="alice@here")
        if others.are_still():
            site.quiet(True, "pause")
            until = time.monotonic() + length
            while time.monotonic() < until:
                others.meddle(resume=False)
            site.quiet(False, "pause")
        others.control.resume(QUEUES)
    finally:
        others.close()


class _Others:
    """Colleagues who pause and hold for moments, each by itself."""

    def __init__(self, site: Site, chance: random.Random):
        self._link, self._hold_link = link_to(site.broker.url), link_to(site.broker.url)
        self.control = Control(self._link)
        self._chance = chance
        self._hold: Hold | None = None

    def meddle(self, resume: bool = True) -> None:
        """Do one thing that must not let start what another keeps, and let it have its effect."""
        deeds = [self._pause_shortly, self._hold_shortly, *([self._resume] if resume else [])]
        self._chance.choice(deeds)()
        time.sleep(self._chance.random())

    def _pause_shortly(self) -> None:
        self.control.pause(QUEUES, self._chance.choice((0.05, 0.3)), by="bob@there")

    def _resume(self) -> None:
        self.control.resume(QUEUES)

    def _hold_shortly(self) -> None:
        if self._hold is None:
            self._hold = Hold(self._hold_link, QUEUES, 0.3, by="carol", reason="a moment")
            self._hold.keep()
        elif self._chance.random() < 0.5:
            self._hold.end()
            self._hold = None
        else:
            self._hold = None  # it lapses

    def are_still(self) -> bool:
        """Wait until nothing is in flight; whether that came about."""
        try:
            wait_until(lambda: not self.control.stillness(QUEUES).in_flight, timeout=STILL_WITHIN)
        except AssertionError:
            return False
        return True

    def close(self) -> None:
        """End what is left of it."""
        try:
            if self._hold is not None:
                self._hold.end()
        except BrokerUnavailable:
            pass
        self._link.close()
        self._hold_link.close()


def _manage(site: Site, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", "queueproxy", *words],
        env=site.environ,
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
