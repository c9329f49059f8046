"""Users of the shop: each reads and writes on one connection, as a browser does."""

import http.client
import json
import random
import select
import threading

from .record import Outcome, Record
from .shop import FAILS, RELEASE_HEADER

PATIENCE = 90.0  # seconds; longer than the front holds anybody
THINK = (0.25, 0.75)  # seconds between an answer and the next request
WRITES = 0.4  # of all requests
HIGHEST_PRICE = 10_000  # cents


class User(threading.Thread):
    """Sends one request after another until told to leave; never tries one again.

    Args:
        number: its name in the nonces, and the seed of its choices.
        port: of the front on this machine.
        record: where each outcome goes.
        leave: ends it after the request in hand.
    """

    def __init__(self, number: int, port: int, record: Record, leave: threading.Event):
        super().__init__(name=f"user {number}", daemon=True)
        self._number = number
        self._record = record
        self._leave = leave
        self._chance = random.Random(number)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def run(self) -> None:
        count = 0
        while not self._leave.wait(self._chance.uniform(*THINK)):
            count += 1
            method = "POST" if self._chance.random() < WRITES else "GET"
            self._record.add(self._ask(method, f"user{self._number}-{count}"))
        self._connection.close()

    def _ask(self, method: str, nonce: str) -> Outcome:
        self._drop_closed_connection()
        sent = self._record.clock()
        release, error, failed = 0, "", False
        try:
            release = self._release_in_answer(method, nonce)
        except _FailedPage:
            release, failed = FAILS, True
        except (OSError, http.client.HTTPException, _WrongAnswer) as wrong:
            error = f"{type(wrong).__name__.lstrip('_')}: {wrong}"
            self._connection.close()  # opened again by the next request
        return Outcome(nonce, method, sent, self._record.clock(), release, error, failed)

    def _drop_closed_connection(self) -> None:
        """Open another where the server has closed this one while it was idle, as browsers do."""
        kept = self._connection.sock
        if kept is not None and select.select([kept], [], [], 0)[0]:
            self._connection.close()

    def _release_in_answer(self, method: str, nonce: str) -> int:
        """Send, and look closely at what comes back."""
        body, headers = None, {}
        if method == "POST":
            body = f"net={self._chance.randrange(HIGHEST_PRICE)}"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, f"/shop/{nonce}/", body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status == 500 and response.getheader(RELEASE_HEADER) == str(FAILS):
            raise _FailedPage
        if response.status != 200:
            raise _WrongAnswer(f"{response.status} to {method} {nonce}")
        page = json.loads(content)
        if page["nonce"] != nonce:
            raise _WrongAnswer(f"{page['nonce']}'s answer to {method} {nonce}")
        return page["release"]


class Crowd:
    """While the context lasts, users come and go on; at its good end each gets its last answer.

    Args:
        size: how many users.
        port: of the front on this machine.
        record: where each outcome goes.
    """

    def __init__(self, size: int, port: int, record: Record):
        self._leave = threading.Event()
        self._users = [User(number, port, record, self._leave) for number in range(size)]

    def __enter__(self) -> "Crowd":
        for user in self._users:
            user.start()
        return self

    def __exit__(self, failure, *_) -> None:
        self._leave.set()
        if failure is None:
            for user in self._users:
                user.join()  # its patience ends every request


class _FailedPage(Exception):
    """The release of which every page fails has answered."""


class _WrongAnswer(Exception):
    """Not the page that was asked for."""
