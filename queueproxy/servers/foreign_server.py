"""Finds out, and mends, what an ASGI server does that somebody else started.

Under the servers of this package each function does nothing.
"""

import asyncio
import socket
import struct
from functools import partial
from typing import Any

from ..asgi_types import Message, Scope, Send
from ..front.http.headers import Address

_DATE_AND_SERVER = frozenset((b"date", b"server"))
_NONE: frozenset[bytes] = frozenset()
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_LOOK_EVERY = 0.02  # seconds


def headers_it_adds(send: Send) -> frozenset[bytes]:
    """Which of Date and Server, in lower case, the server puts into each answer by itself.

    uvicorn does so unless told not to, beside the application's own: its request cycle, whose
    method ``send`` is, lists them.
    """
    cycle = getattr(send, "__self__", None)
    added = getattr(cycle, "default_headers", None)
    if not added:
        return _NONE
    return _DATE_AND_SERVER.intersection(name.lower() for name, _ in added)


def as_connected(scope: Scope, send: Send) -> Scope:
    """Return the scope with client and scheme of the connection, where the server put others there.

    uvicorn takes both from ``X-Forwarded-For`` and ``X-Forwarded-Proto`` where the peer is on
    loopback, unless it is started with ``--no-proxy-headers``; Daphne does so for every peer where
    it is started with ``--proxy-headers``. Whom to believe is for TRUSTED_PROXIES to say.
    """
    connected = _uvicorns_connection(send) or _daphnes_connection(send)
    if connected is None or connected == (_address_in(scope), scope["scheme"]):
        return scope
    client, scheme = connected
    return {**scope, "client": client, "scheme": scheme}


def _address_in(scope: Scope) -> Address | None:
    return tuple(scope["client"]) if scope.get("client") else None


def _uvicorns_connection(send: Send) -> tuple[Address | None, str] | None:
    """Peer and scheme of the connection, where uvicorn may have put others into the scope."""
    cycle = getattr(send, "__self__", None)
    protocol: Any = getattr(getattr(cycle, "on_response", None), "__self__", None)
    if not getattr(getattr(protocol, "config", None), "proxy_headers", False):
        return None
    if not hasattr(protocol, "client") or not hasattr(protocol, "scheme"):
        return None
    return protocol.client, protocol.scheme


def _daphnes_connection(send: Send) -> tuple[Address | None, str] | None:
    """Do for Daphne what `_uvicorns_connection` does."""
    if not isinstance(send, partial) or _twisted_transport(send) is None:
        return None
    request = send.args[0]
    server = getattr(request, "server", None)
    if not getattr(server, "proxy_forwarded_address_header", None):
        return None
    peer = request.client
    client = (str(peer.host), peer.port) if hasattr(peer, "port") else None
    return client, "https" if request.isSecure() else "http"


def cut(send: Send, *, at_once: bool = False) -> bool:
    """Break the connection of an answer, where an exception would not; whether that was done.

    ``daphne`` started by hand is such a case: an exception after the answer began ends the task
    that looks after all applications. Its ``send`` is a partial with the request in it. ``uvicorn``
    started by hand is one where HTTP/1.0 is spoken: it closes as if the answer were whole.

    Args:
        send: the server's.
        at_once: drop what waits for the client, whatever the server would do.
    """
    transport = _twisted_transport(send)
    if transport is not None:
        transport.abortConnection()
        return True
    cycle: Any = getattr(send, "__self__", None)
    foreign = hasattr(cycle, "default_headers") and not hasattr(cycle, "cuts_itself")
    if not foreign or not (at_once or cycle.scope["http_version"] == "1.0"):
        return False
    cycle.disconnected = True  # what is sent from now on goes nowhere
    reset(cycle.transport)
    return True


def reset(transport: asyncio.Transport) -> None:
    """Close, so that the peer can't take it for an orderly end."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


async def room(send: Send) -> None:
    """Return when the client has taken enough of an answer for more of it to be sent.

    To be awaited after each piece of an answer. The ``send`` of a ``daphne`` started by hand
    returns at once, however much waits for the client already.
    """
    transport = _twisted_transport(send)
    if transport is None:
        return
    while transport.connected and transport.producerPaused:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(_LOOK_EVERY)


def waiting_for_room(send: Send) -> Send:
    """Return the server's ``send``, or one that waits after each piece where the server's never
    does.
    """
    if _twisted_transport(send) is None:
        return send

    async def send_and_wait(message: Message) -> None:
        await send(message)
        await room(send)

    return send_and_wait


def _twisted_transport(send: Send) -> Any:
    if not isinstance(send, partial) or not send.args:
        return None
    channel = getattr(send.args[0], "channel", None)
    transport = getattr(channel, "transport", None)
    return transport if hasattr(transport, "abortConnection") else None
