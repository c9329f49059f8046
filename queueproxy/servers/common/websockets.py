"""Judges handshakes of websockets, and ends those that an application leaves open.

The servers speak the protocol (RFC 6455); the project's consumers run in the front.
"""

import asyncio
import binascii
import logging
from contextlib import suppress

from ...asgi_types import ASGIApplication, Message, Receive, Scope, Send
from ...front.http import refusals
from ...front.http.admission import admit
from ...front.http.refusals import Refusal
from .head import Head, http_scope

logger = logging.getLogger("queueproxy.front")

# Close codes (RFC 6455, 7.4.1, and IANA's registry).
NORMAL = 1000
TOO_BIG = 1009
FAILED = 1011
RESTART = 1012  # clients may connect again

_KEY_BYTES = 16  # of Sec-WebSocket-Key
_UNKNOWN = refusals.bad_request("Only version 13 of websockets is spoken here.")
_BAD_KEY = refusals.bad_request("The Sec-WebSocket-Key is not valid.")
NO_WEBSOCKET = Refusal(403, "http_request_denied", "No websocket: Access denied", close=True)


def handshake_refusal(head: Head) -> Refusal | None:
    """Return the refusal of a handshake that no application is to see, else None (RFC 6455, 4.2.1).

    Args:
        head: one that asks for a websocket.
    """
    fields = [field for field in head.headers if field[0] != b"upgrade"]
    refusal = admit(http_scope(head._replace(headers=fields), None, None), max_body=0)
    if refusal is not None:
        return refusal
    if head.values(b"sec-websocket-version") != [b"13"]:
        return _UNKNOWN
    keys = head.values(b"sec-websocket-key")
    return None if len(keys) == 1 and _is_key(keys[0]) else _BAD_KEY


def _is_key(value: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def guard(app: ASGIApplication) -> ASGIApplication:
    """Wrap the application, so that each websocket is refused or closed whatever it does.

    ASGI has an application raise where it does not know a kind of scope: that refuses it. One that
    has asked for an event before it raised knows websockets, and has failed.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _Conversation(receive, send).run(app, scope)
        else:
            await app(scope, receive, send)

    return guarded


class _Conversation:
    """Sees how far an application and its client have come."""

    def __init__(self, receive: Receive, send: Send):
        self._receive = receive
        self._send = send
        self._asked = False
        self._open = False  # accepted, and closed by neither side

    async def run(self, app: ASGIApplication, scope: Scope) -> None:
        """Run the application; cancelled, it has outstayed its client or its server."""
        code = NORMAL
        try:
            await app(scope, self._watched_receive, self._watched_send)
        except Exception as error:
            if not self._asked:
                logger.info("A websocket was refused, the application knows none: %s", error)
                await self._send({"type": "websocket.close"})
                return
            if not self._open:  # the server answers 500, or the client is gone
                raise
            logger.error("The application of a websocket failed.", exc_info=error)
            code = FAILED
        except asyncio.CancelledError:
            if not self._asked:
                raise
            logger.info("The application of a websocket was ended: it took too long.")
            code = RESTART
        finally:
            if self._open:
                with suppress(OSError, RuntimeError):  # the client has just left
                    await self._send({"type": "websocket.close", "code": code})

    async def _watched_receive(self) -> Message:
        self._asked = True
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._open = False
        return message

    async def _watched_send(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self._open = False
        try:
            await self._send(message)
        except OSError:  # so ASGI has a server say that the client has left
            self._open = False
            raise
        if message["type"] == "websocket.accept":
            self._open = True
