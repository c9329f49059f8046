"""Users who leave, stall, dawdle and read nothing, and views that fork: one user for each."""

import os
import select
import socket
import time

from .users import CUT, FORKS, KEPT, KEPT_FOR, LEFT, Outcome, Slowly, User, ask, bare_request

SLACK = 6.0  # seconds a client of the site under test may stall; more than a front is ever stopped
MIN_RATE = 262_144  # bytes a second its clients must take, beyond that
BODY_MIN_RATE = 16_384  # bytes a second they must send
LONG = 32.0  # seconds a page is silent; more than anything of a front or worker waits for
WAITS = 20.0  # seconds without a byte; more than a hold
STALLED = 300_000  # bytes of a body that never ends
LARGE = 60_000  # lines in each piece of a page that no kernel buffers whole
SILENT = 12_000  # lines in each piece of a page that is larger than a stream's window


class Pipeliner(User):
    """Sends several requests on one connection at once, and goes without reading any answer."""

    def send(self, port: int, nonce: str) -> list[Outcome]:
        time.sleep(0.1)  # it waits for nothing else
        outcomes = []
        for number in range(self._chance.randint(2, 5)):
            kind = self._chance.choice(("LEAVE", "LEAVE-POST", "LEAVE"))
            outcomes.append(Outcome(f"{nonce}p{number}", kind, LEFT))
        pipeline(port, outcomes, self._chance.choice((0, 0.005, 0.05, 0.5)))
        return outcomes


def pipeline(port: int, outcomes: list[Outcome], after: float) -> None:
    """Send these requests in one go, and leave after so many seconds."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"".join(map(_request_of, outcomes)))
            time.sleep(after)
    except OSError:
        for outcome in outcomes:
            outcome.status = CUT
    for outcome in outcomes:
        outcome.over()


def _request_of(outcome: Outcome) -> bytes:
    path = f"/run/{outcome.nonce}/"
    if outcome.kind == "LEAVE":
        return bare_request("GET", path)
    return bare_request("POST", path, "Content-Length: 3") + b"a=b"


class NonReader(User):
    """Asks for a large page, reads nothing of it, and leaves late or waits until it is cut."""

    def send(self, port: int, nonce: str) -> list[Outcome]:
        time.sleep(1)  # each holds a thread for seconds
        outcome = Outcome(nonce, "UNREAD", LEFT)
        waits = self._chance.choice((0.2, 1.5, None))
        outcome.extra = KEPT_FOR
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            try:
                connection.connect(("127.0.0.1", port))
                connection.sendall(bare_request("GET", f"/stream/{nonce}/?repeat={LARGE}"))
                if not _is_cut_within(connection, waits or KEPT_FOR) and waits is None:
                    outcome.status = KEPT
            except OSError:
                outcome.status = CUT
        return [outcome.over()]


def _is_cut_within(connection: socket.socket, seconds: float) -> bool:
    """Wait until the other side resets the connection."""
    poll = select.poll()
    poll.register(connection, 0)  # errors and ends are always told
    return bool(poll.poll(seconds * 1000))


class Dawdler(User):
    """Sends a large body in small pieces, or stops in the middle of it."""

    def send(self, port: int, nonce: str) -> list[Outcome]:
        if self._chance.random() < 0.2:
            return [stall(port, nonce)]
        # Of the slowest, a part that goes to the broker takes longer than a hold.
        size, pause = self._chance.choice(((300_000, 0.02), (600_000, 0.1), (560_000, 1.1)))
        body = Slowly(os.urandom(size), pause)
        outcome = ask(port, nonce, "DRIBBLE", body=body, user=self._user)
        outcome.extra = body.seconds
        return [outcome]


def stall(port: int, nonce: str) -> Outcome:
    """Begin a body of 500 KB, send no more than 300, and wait for what comes of it."""
    outcome = Outcome(nonce, "STALL", extra=SLACK + STALLED / BODY_MIN_RATE)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=40) as connection:
            head = bare_request("POST", f"/run/{nonce}/", "Content-Length: 500000")
            connection.sendall(head + bytes(STALLED))
            answer = connection.recv(65536)
            outcome.status = int(answer.split()[1]) if answer else CUT
    except OSError:
        outcome.status = CUT
    return outcome.over()


class Listener(User):
    """Reads pages that fall silent for longer than a lease, after more than a window of bytes."""

    def send(self, port: int, nonce: str) -> list[Outcome]:
        # Seldom so long: no hold could begin meanwhile.
        silence = LONG if len(self.outcomes) % 20 == 10 else self._chance.choice((2.0, 4.0))
        outcome = ask(
            port,
            nonce,
            "SILENT",
            user=self._user,
            query=f"repeat={SILENT}&silent={silence}",
            repeat=SILENT,
            patience=silence + WAITS,
        )
        outcome.extra = silence
        return [outcome]


class Forker(User):
    """Asks for views that fork, in each way that brings a child back into code of ours."""

    def send(self, port: int, nonce: str) -> list[Outcome]:
        time.sleep(0.3)
        how = self._chance.choice(FORKS)
        return [ask(port, nonce, "FORK", user=self._user, query=f"how={how}")]


ROUGH_USERS = (Pipeliner, NonReader, Dawdler, Listener, Forker)
