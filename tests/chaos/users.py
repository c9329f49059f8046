"""Simulated users: each sends requests and writes down what came back."""

import hashlib
import http.client
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .once import ONCE, USUAL, Shares, misfortune

UNSAFE = ("POST", "UPLOAD", "DRIBBLE", "STALL", "LEAVE-POST")  # not safe to repeat
STREAMED = ("STREAM", "SILENT")  # pages in PIECES
KINDS = (
    *("GET", "GET", "GET", "POST", "POST", "UPLOAD", "GET-BODY", "STREAM", "LEAVE"),
    "LIMITED",
)
VIEWS = {  # where it is another than the one that runs them all
    **{"STREAM": "stream", "SILENT": "stream"},
    **{"FORK": "fork", "CLEAR": "clear", "LIMITED": "limited"},
    **dict.fromkeys(ONCE, "once"),
}
LARGE = (65_536, 65_537, 300_000, 900_000, 3_000_000)  # bytes of a body: the first goes whole
PIECES = 12  # of a streamed page
PATIENCE = 60.0  # seconds
CUT = 0  # in place of a status: the connection was refused, reset or cut
LEFT = -1  # the user went away
KEPT = -2  # the connection stood open for KEPT_FOR though the user read nothing
KEPT_FOR = 40.0  # seconds; more than a hold, a client's slack and what a front is ever stopped
FORKS = ("exit", "return", "raise", "process")  # ways, see probe/forks.py


def piece(nonce: str, number: int, repeat: int = 300) -> bytes:
    """A piece of a streamed page: a line, so often."""
    return f"{nonce} {number}\n".encode() * repeat


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
    token: str = ""  # of the execution that answered
    extra: float = 0.0  # seconds of it that the user or the view took by itself

    @property
    def ended(self) -> float:
        return self.began + self.seconds

    def over(self) -> "Outcome":
        """It ends now."""
        self.seconds = time.monotonic() - self.began
        return self


class User(threading.Thread):
    """Sends one request after another until told to stop.

    Args:
        name: of the user; its cookie.
        ports: of the fronts.
        seed: of its random choices.
        stop: ends it after the request in hand.
        kinds: of its requests.
        shares: how many of those that happen once meet something.
    """

    def __init__(
        self,
        name: str,
        ports: Sequence[int],
        seed: int,
        stop: threading.Event,
        kinds: Sequence[str] = KINDS,
        shares: Shares = USUAL,
    ):
        super().__init__(daemon=True)
        self._kinds = kinds
        self._shares = shares
        self.outcomes: list[Outcome] = []
        self._user = name
        self._ports = ports
        self._chance = random.Random(f"{seed}-{name}")
        self._stop_event = stop
        self.failed = False

    def run(self) -> None:
        try:
            self._run()
        except BaseException:
            self.failed = True  # a fault of the checker, which must not hide anything
            raise

    def _run(self) -> None:
        while not self._stop_event.is_set():
            nonce = f"{self._user}n{len(self.outcomes) + 1}"
            new = self.send(self._chance.choice(self._ports), nonce)
            self.outcomes += new
            if new[0].status == CUT:
                time.sleep(0.05)  # a front is being replaced
            elif self._chance.random() < 0.3:
                time.sleep(self._chance.random() * 0.05)

    def send(self, port: int, nonce: str) -> list[Outcome]:
        """Send what there is to send next; what came of it, one for each request."""
        kind = self._chance.choice(self._kinds)
        if kind == "LEAVE":
            return [leave(port, nonce, self._chance.choice((0, 0.001, 0.02)))]
        query = misfortune(kind, self._chance, self._shares) if kind in ONCE else ""
        if kind == "ONCE-AGAIN":
            return [twice(port, nonce, self._body("POST"), self._user, query)]
        if kind == "ONCE-FAIL":
            query = f"fail=1&{query}"
        return [ask(port, nonce, kind, body=self._body(kind), user=self._user, query=query)]

    def _body(self, kind: str) -> bytes:
        small = (0, 10, 1000)
        sizes = {"POST": small, "UPLOAD": LARGE, "GET-BODY": LARGE}
        sizes |= {"ONCE": small, "ONCE-UPLOAD": LARGE}
        return os.urandom(self._chance.choice(sizes.get(kind, (0,))))


class Slowly:
    """A body in small pieces with a pause before each.

    Args:
        data: the whole.
        pause: seconds.
    """

    PIECE = 20_000  # bytes

    def __init__(self, data: bytes, pause: float):
        self.data = data
        self._pause = pause

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self._pause * len(self.data) / self.PIECE

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self.data), self.PIECE):
            time.sleep(self._pause)
            yield self.data[at : at + self.PIECE]


def ask(
    port: int,
    nonce: str,
    kind: str,
    *,
    body: "bytes | Slowly" = b"",
    user: str = "user",
    query: str = "",
    repeat: int = 300,
    patience: float = PATIENCE,
    key: str = "",
) -> Outcome:
    """Send one request, wait for its answer and look closely at it.

    Args:
        kind: GET, POST, UPLOAD, GET-BODY (a large body that may be sent again), DRIBBLE, STREAM,
            SILENT, FORK, CLEAR or LIMITED.
        query: of the request; see the probe's views and mishaps.
        repeat: how often each line of a streamed page comes.
        patience: seconds to wait for the next bytes.
        key: sent as Idempotency-Key, where there is one.
    """
    outcome = Outcome(nonce, kind)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    path = f"/{VIEWS.get(kind, 'run')}/{nonce}/?{query}"
    method = "POST" if kind in UNSAFE or kind in ONCE else "GET"
    headers = {"Cookie": f"user={user}"}
    if key:
        headers["Idempotency-Key"] = key
    if isinstance(body, Slowly):
        headers["Content-Length"] = str(len(body.data))
    try:
        connection.request(method, path, body=body or None, headers=headers)
        response = connection.getresponse()
        text = response.read()
        outcome.status = response.status
        outcome.token = response.headers.get("X-Token", "")
        outcome.attempt = int(outcome.token.partition(":")[0] or 0)
        sent = body.data if isinstance(body, Slowly) else body
        outcome.wrong = _flaw(outcome, sent, user, response, text, repeat)
    except (OSError, http.client.HTTPException):
        outcome.status = CUT
    finally:
        connection.close()
    return outcome.over()


def _flaw(outcome: Outcome, body: bytes, user: str, response, text: bytes, repeat: int) -> str:
    nonce = outcome.nonce
    if outcome.kind in ONCE and response.status == 500:
        return ""  # its view has failed; the judge knows whether it might
    if response.status >= 500:
        return "" if response.headers.get("Proxy-Status") else f"a {response.status} of nobody's"
    if response.status != 200:
        return f"status {response.status}"
    if response.headers.get("X-Nonce") != nonce:
        return f"another's answer: {response.headers.get('X-Nonce')}"
    if outcome.kind in STREAMED:
        whole = b"".join(piece(nonce, number, repeat) for number in range(PIECES))
        return "" if text == whole + f"end {nonce}".encode() else "a stream cut or mixed"
    wanted = f"{nonce} {hashlib.sha256(body).hexdigest()} {user}"
    cookie = response.headers.get("Set-Cookie", "").partition(";")[0]
    if text.decode("latin-1") != wanted or cookie != f"user={user}":
        return f"another's answer: {text[:80]!r}, {cookie!r}"
    return ""


def twice(port: int, nonce: str, body: bytes, user: str, query: str) -> Outcome:
    """Send a request, and once more with the same key, whatever came of it."""
    words = {"body": body, "user": user, "query": query, "key": f"key-{nonce}"}
    first, second = (ask(port, nonce, "ONCE-AGAIN", **words) for _ in range(2))
    second.began, second.extra = first.began, first.seconds
    second.seconds += first.seconds
    if first.status == 200 == second.status and first.token != second.token:
        second.wrong = "sent again, and answered otherwise"
    if second.status == 409 and first.status != 200:
        return first  # which may run still
    if second.status not in (200, 409) and first.status == 200 and not second.wrong:
        return first
    second.wrong = second.wrong or first.wrong
    return second


def leave(port: int, nonce: str, after: float) -> Outcome:
    """Send a GET and go, without waiting for its answer.

    Args:
        after: seconds.
    """
    outcome = Outcome(nonce, "LEAVE", LEFT)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(bare_request("GET", f"/run/{nonce}/"))
            time.sleep(after)
    except OSError:
        outcome.status = CUT
    return outcome.over()


def bare_request(method: str, path: str, *headers: str) -> bytes:
    """A request's head as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()
