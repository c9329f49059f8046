"""Simulated users: each sends requests and writes down what came back."""

import hashlib
import http.client
import os
import random
import socket
import threading
import time
from dataclasses import dataclass, field

UNSAFE = ("POST", "UPLOAD")
KINDS = ("GET", "GET", "GET", "POST", "POST", "UPLOAD", "STREAM", "LEAVE")
PIECES = 12  # of a streamed page
PATIENCE = 60.0  # seconds
CUT = 0  # in place of a status: the connection was refused, reset or cut
LEFT = -1  # the user went away


def piece(nonce: str, number: int) -> bytes:
    """A piece of a streamed page."""
    return f"{nonce} {number}\n".encode() * 300


@dataclass
class Outcome:
    """What a user saw; times in seconds, those of this process's monotonic clock."""

    nonce: str
    kind: str
    status: int = CUT
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    wrong: str = ""  # what was not as it must be
    attempt: int = 0  # the one that answered; 0 where that is not known

    @property
    def ended(self) -> float:
        return self.began + self.seconds


class User(threading.Thread):
    """Sends one request after another until told to stop.

    Args:
        number: of the user; its cookie.
        ports: of the fronts.
        seed: of its random choices.
        stop: ends it after the request in hand.
    """

    def __init__(self, number: int, ports: list[int], seed: int, stop: threading.Event):
        super().__init__(daemon=True)
        self.outcomes: list[Outcome] = []
        self._name = f"user{number}"
        self._ports = ports
        self._chance = random.Random(f"{seed}-{number}")
        self._stop_event = stop

    def run(self) -> None:
        while not self._stop_event.is_set():
            nonce = f"{self._name}n{len(self.outcomes) + 1}"
            kind = self._chance.choice(KINDS)
            port = self._chance.choice(self._ports)
            if kind == "LEAVE":
                outcome = leave(port, nonce, self._chance.choice((0, 0.001, 0.02)))
            else:
                outcome = ask(port, nonce, kind, body=self._body(kind), user=self._name)
            self.outcomes.append(outcome)
            if outcome.status == CUT:
                time.sleep(0.05)  # a front is being replaced
            elif self._chance.random() < 0.3:
                time.sleep(self._chance.random() * 0.05)

    def _body(self, kind: str) -> bytes:
        sizes = {"POST": (0, 10, 1000), "UPLOAD": (65_536, 65_537, 300_000, 900_000)}
        return os.urandom(self._chance.choice(sizes.get(kind, (0,))))


def ask(
    port: int, nonce: str, kind: str, *, body: bytes = b"", user: str = "user", query: str = ""
) -> Outcome:
    """Send one request, wait for its answer and look closely at it.

    Args:
        kind: GET, POST, UPLOAD or STREAM.
        query: of the request; see the probe's views and mishaps.
    """
    outcome = Outcome(nonce, kind)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    path = f"/{'stream' if kind == 'STREAM' else 'run'}/{nonce}/?{query}"
    method, body = ("POST", body) if kind in UNSAFE else ("GET", b"")
    try:
        connection.request(method, path, body=body or None, headers={"Cookie": f"user={user}"})
        response = connection.getresponse()
        text = response.read()
        outcome.status = response.status
        outcome.attempt = int(response.headers.get("X-Token", "0").partition(":")[0])
        outcome.wrong = _flaw(outcome, body, user, response, text)
    except (OSError, http.client.HTTPException):
        outcome.status = CUT
    finally:
        connection.close()
    outcome.seconds = time.monotonic() - outcome.began
    return outcome


def _flaw(outcome: Outcome, body: bytes, user: str, response, text: bytes) -> str:
    nonce = outcome.nonce
    if response.status >= 500:
        return "" if response.headers.get("Proxy-Status") else f"a {response.status} of nobody's"
    if response.status != 200:
        return f"status {response.status}"
    if response.headers.get("X-Nonce") != nonce:
        return f"another's answer: {response.headers.get('X-Nonce')}"
    if outcome.kind == "STREAM":
        whole = b"".join(piece(nonce, number) for number in range(PIECES))
        return "" if text == whole + f"end {nonce}".encode() else "a stream cut or mixed"
    wanted = f"{nonce} {hashlib.sha256(body).hexdigest()} {user}"
    cookie = response.headers.get("Set-Cookie", "").partition(";")[0]
    if text.decode("latin-1") != wanted or cookie != f"user={user}":
        return f"another's answer: {text[:80]!r}, {cookie!r}"
    return ""


def leave(port: int, nonce: str, after: float) -> Outcome:
    """Send a GET and go, without waiting for its answer.

    Args:
        after: seconds.
    """
    outcome = Outcome(nonce, "LEAVE", LEFT)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            head = f"GET /run/{nonce}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
            connection.sendall(head.encode())
            time.sleep(after)
    except OSError:
        outcome.status = CUT
    outcome.seconds = time.monotonic() - outcome.began
    return outcome
