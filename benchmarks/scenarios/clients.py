"""Very many connections at once, each with one request, in one event loop."""

import asyncio
import time

REQUEST = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
OPENING = 256  # connections being opened at a time


class Client(asyncio.Protocol):
    """One connection: asks at once, notes the status and the time of the answer."""

    def __init__(self, request: bytes, on_end):
        self._request = request
        self._on_end = on_end
        self.status = 0  # 0: none came
        self.answered = 0.0

    def connection_made(self, transport) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.status:
            self.status = int(data[9:12])
            self.answered = time.monotonic()
            self._transport.close()

    def connection_lost(self, error) -> None:
        self._on_end()


class Crowd:
    """So many clients of one address; use inside one event loop."""

    def __init__(self, port: int, path: str, size: int):
        self._port = port
        self._request = REQUEST % (path.encode(), port)
        self._left = size
        self._all_ended = asyncio.Event()
        self.clients: list[Client] = []

    async def arrive(self) -> None:
        """Connect all and send their requests."""
        gate = asyncio.Semaphore(OPENING)
        await asyncio.gather(*(self._arrive_one(gate) for _ in range(self._left)))

    async def _arrive_one(self, gate: asyncio.Semaphore) -> None:
        loop = asyncio.get_running_loop()
        async with gate:
            _, client = await loop.create_connection(self._client, "127.0.0.1", self._port)
        self.clients.append(client)

    def _client(self) -> Client:
        return Client(self._request, self._ended)

    def _ended(self) -> None:
        self._left -= 1
        if not self._left:
            self._all_ended.set()

    async def end(self, within: float) -> None:
        """Wait until every connection has ended; go on without the rest after so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._all_ended.wait()
        except TimeoutError:
            pass
