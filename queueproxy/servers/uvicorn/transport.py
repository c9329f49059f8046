"""Sends a connection's last bytes, and closes it."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from ..common import limits

SMALL = 16 * 1024  # bytes of a piece that is worth a wait


class OneWrite:
    """A transport on which a small piece waits for the next, at most to the end of the tick.

    uvicorn writes the head and the body of an answer one by one: two system calls, two packets,
    and the client woken twice.

    Args:
        transport: asyncio's.
        loop: the event loop.
        on_close: called instead of the transport's own close.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_close: Callable[[], None],
    ):
        self._transport = transport
        self._loop = loop
        self._waiting = b""
        self.close = on_close

    def write(self, data: bytes) -> None:
        """Send, perhaps together with what comes next."""
        if self._waiting or len(data) > SMALL:
            data, self._waiting = self._waiting + data, b""
            self._transport.write(data)
        else:
            self._waiting = data
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting and not self._transport.is_closing():
            self._transport.write(self._waiting)
        self._waiting = b""

    def resume_reading(self) -> None:
        """Take the client's bytes again, unless it is closing: asyncio raises there."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def lost(self) -> None:
        """Break the way back to the protocol: the connection is gone."""
        self.close = self._transport.close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class ReadableProtocol(asyncio.Protocol):
    """Passes on what its transport and its flow control do by themselves.

    Attributes:
        transport, flow: set as the connection is made.
    """

    transport: OneWrite
    flow: FlowControl

    def pause_writing(self) -> None:
        """Let the answer wait for a client that takes it too slowly."""
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        """Let the answer go on."""
        self.flow.resume_writing()

    def pause_reading(self) -> None:
        """Take nothing from the client for now."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take its bytes again."""
        self.transport.resume_reading()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return int(self.transport.get_extra_info("socket").fileno())


class GentleClose:
    """Closes so that the client gets its last answer, but not at any price.

    A socket closed with bytes unread is reset, and the reset can overtake the answer. A client
    that takes nothing of what is left for it is cut.

    Args:
        transport: asyncio's.
        loop: the event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop):
        self._transport = transport
        self._loop = loop
        self._begun = False
        self._left = 0  # bytes of answers, as they were seen last
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self, *, linger: bool) -> None:
        """Close; to linger is to read on for a moment first."""
        if self._begun or self._transport.is_closing():
            return
        self._begun = True
        if linger and self._transport.can_write_eof():
            self._transport.write_eof()
            self._timers.append(self._loop.call_later(limits.LINGER, self._transport.close))
        else:
            self._transport.close()
        self._left = self._transport.get_write_buffer_size()
        if self._left:
            self._timers.append(self._loop.call_later(limits.STALLED, self._look))

    def done(self) -> None:
        """Stop the timers: it is closed."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _look(self) -> None:
        left = self._transport.get_write_buffer_size()
        if left >= self._left:
            self._transport.abort()
            return
        self._left = left
        self._timers.append(self._loop.call_later(limits.STALLED, self._look))
