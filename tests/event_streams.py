"""Event streams by the hundred on one worker process with an event loop.

    python -m tests.event_streams [CLIENTS] [SECONDS]

Each client is sent an event a second; all are made at the same moment. Printed: memory of front and
worker for each client, how late events come, how soon streams end when their clients leave.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from .acceptance.site import Site
from .acceptance.test_async_worker import URLS, ends
from .kit.broker_server import BrokerServer
from .kit.proc import cpu_seconds, memory


class EventClient:
    """Reads one stream of events.

    Args:
        port: of the front.
        path: of the stream.
    """

    def __init__(self, port: int, path: str):
        self._port = port
        self._path = path
        self.delays: list[float] = []  # seconds
        self.begun = asyncio.Event()

    async def read(self) -> None:
        """Read until cancelled or cut."""
        async with aclosing(self._lines()) as lines:
            async for line in lines:
                if line.startswith(b": begins"):
                    self.begun.set()
                elif line.startswith(b"data: "):
                    self.delays.append(time.monotonic() - float(line[6:]))

    async def _lines(self) -> AsyncIterator[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET {self._path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            while line := await reader.readline():
                yield line
        finally:
            writer.close()


async def watch(port: int, number: int, seconds: float, look: Callable[[], None]) -> list[float]:
    """Let so many clients read for so long; the delays of all events.

    Args:
        look: called where all read, two seconds later, and again at the end.
    """
    clients = [EventClient(port, f"/events/s{one}/") for one in range(number)]
    reading = []
    for client in clients:
        reading.append(asyncio.create_task(client.read()))
        await asyncio.sleep(0.002)
    async with asyncio.timeout(60):
        for client in clients:
            await client.begun.wait()
    await asyncio.sleep(2)
    for client in clients:
        client.delays.clear()
    look()
    await asyncio.sleep(seconds)
    look()
    delays = [delay for client in clients for delay in client.delays]
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    return sorted(delays)


def main(words: list[str]) -> int:
    """Run it once."""
    number = int(words[0]) if words else 500
    seconds = float(words[1]) if len(words) > 1 else 20.0
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerServer().start()
        site = Site(Path(directory), broker, "uvicorn")
        try:
            front = site.front()
            site.workers("--async", str(number), **URLS)
            worker = site.status()["workers"][0]["pid"]
            site.get("/run/first/")
            pids = (worker, front.pid)
            before = [memory(pid) for pid in pids]
            seen: list[list[tuple[int, float]]] = []

            def look() -> None:
                seen.append([(memory(pid), cpu_seconds(pid)) for pid in pids])

            delays = asyncio.run(watch(site.port, number, seconds, look))
            left_at = time.monotonic()
            late = [ends(site, f"s{one}", "closed") - left_at for one in range(number)]
        finally:
            site.stop()
            broker.stop()
    p50, p99 = (delays[int(len(delays) * share)] for share in (0.5, 0.99))
    memories = [(seen[1][one][0] - before[one]) / number / 1024 for one in (0, 1)]
    times = [(seen[1][one][1] - seen[0][one][1]) / len(delays) * 1e6 for one in (0, 1)]
    print(
        f"{number} clients, {len(delays)} events: delay p50 {p50 * 1000:.1f} ms, p99 "
        f"{p99 * 1000:.1f} ms, worst {delays[-1] * 1000:.1f} ms; each client costs "
        f"{memories[0]:.1f} KiB in the worker, {memories[1]:.1f} KiB in the front; each event "
        f"{times[0]:.0f} and {times[1]:.0f} us of processor time there; all streams were closed "
        f"{max(late):.2f} s after all clients had left"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
