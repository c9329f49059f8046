"""Many clients at once, each on a connection of its own, in one thread."""

import asyncio
import threading
from dataclasses import dataclass

from .fault_site import FaultSite

PATIENCE = 120.0  # seconds
EVERY = 5  # one of so many sends a POST, the others GETs


@dataclass(frozen=True)
class Answer:
    """What one client saw; status 0 where its connection was cut."""

    nonce: str
    method: str
    status: int
    body: str


class Crowd(threading.Thread):
    """Clients that all ask at once.

    Args:
        site: whom they ask.
        size: how many.
        name: begins each of their nonces.
        seconds: each view takes.
    """

    def __init__(self, site: FaultSite, size: int, name: str = "", seconds: float = 0.0):
        super().__init__(daemon=True)
        self._stage, self._size, self._name, self._seconds = site, size, name, seconds
        self._answers: list[Answer] = []
        self.start()

    def run(self) -> None:
        self._answers = asyncio.run(self._all())

    async def _all(self) -> list[Answer]:
        return await asyncio.gather(*(self._one(number) for number in range(self._size)))

    async def _one(self, number: int) -> Answer:
        method = "POST" if number % EVERY == 0 else "GET"
        nonce = f"{self._name}{method.lower()}{number}"
        head = f"{method} /run/{nonce}/?seconds={self._seconds} HTTP/1.1\r\nHost: localhost\r\n"
        head += "Connection: close\r\nContent-Length: 0\r\n\r\n"
        async with asyncio.timeout(PATIENCE):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._stage.port)
                writer.write(head.encode())
                raw = await reader.read()
                writer.close()
            except OSError:
                raw = b""
        top, _, body = raw.partition(b"\r\n\r\n")
        return Answer(nonce, method, int(top.split()[1]) if top else 0, body.decode())

    def answers(self) -> list[Answer]:
        """All of them."""
        self.join(PATIENCE)
        assert len(self._answers) == self._size, "not everybody was answered"
        return self._answers

    def check(self) -> list[Answer]:
        """Every GET has its own 200, no POST ran twice, no answer says what is not so."""
        answers = self.answers()
        times = self._times()
        for answer in answers:
            ran = times.get(answer.nonce, 0)
            if answer.method == "GET":
                assert answer.status == 200, answer
            if answer.status == 200:
                assert answer.body.startswith(f"{answer.nonce} "), answer
                assert ran >= 1, answer
            else:
                assert answer.status == 502 or (answer.status, ran) == (503, 0), answer
            assert ran <= 1 or answer.method == "GET", (answer, ran)
        return answers

    def _times(self) -> dict[str, int]:
        times: dict[str, int] = {}
        for execution in self._stage.executions.read():
            times[execution.nonce] = times.get(execution.nonce, 0) + 1
        return times
