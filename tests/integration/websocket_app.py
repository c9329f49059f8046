"""A small application of websockets, and a process that serves it as the front is served.

    python -m tests.integration.websocket_app SERVER FD [GRACEFUL_TIMEOUT]

serves on an inherited listening socket and prints what happens, a word a line.
"""

import asyncio
import json
import sys

from . import server_app
from .server_app import say, serve

PIECE = "x" * 65536
KNOWN = ("path", "raw_path", "query_string", "root_path", "headers", "subprotocols", "client")


async def app(scope, receive, send) -> None:
    if scope["type"] != "websocket":
        await server_app.app(scope, receive, send)
    elif scope["path"] == "/unknown":
        raise ValueError("No application configured for scope type 'websocket'")
    else:
        assert (await receive())["type"] == "websocket.connect"
        await VIEWS[scope["path"]](scope, receive, send)


async def accept(send, **options) -> None:
    await send({"type": "websocket.accept", **options})


async def echo(scope, receive, send) -> None:
    """Says what it sees of the handshake, then repeats what it hears."""
    wanted = scope["subprotocols"][-1] if scope["subprotocols"] else None
    await accept(send, subprotocol=wanted)
    seen = {name: scope[name] for name in KNOWN}
    await send({"type": "websocket.send", "text": json.dumps(seen, default=bytes.decode)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    say(f"left {message['code']}")


async def accept_with_headers(scope, receive, send) -> None:
    await accept(send, headers=[(b"x-a", b"1"), (b"x-a", b"2")])
    await send({"type": "websocket.close", "code": 4001, "reason": "grün"})


async def deny(scope, receive, send) -> None:
    await send({"type": "websocket.close"})


async def deny_with_page(scope, receive, send) -> None:
    """Refuses in words of its own (ASGI's extension websocket.http.response)."""
    await send({"type": "websocket.http.response.start", "status": 410, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"gone"})


async def close(scope, receive, send) -> None:
    await accept(send)
    await send({"type": "websocket.close", "code": int(scope["query_string"])})


async def leave(scope, receive, send) -> None:
    await accept(send)


async def fail(scope, receive, send) -> None:
    await accept(send)
    raise ValueError("secret of the inside")


async def fail_early(scope, receive, send) -> None:
    raise ValueError("secret of the inside")


async def think(scope, receive, send) -> None:
    say("thinking")
    await asyncio.Event().wait()


async def flood(scope, receive, send) -> None:
    """Sends more than any buffer holds."""
    await accept(send)
    for _ in range(3000):
        await send({"type": "websocket.send", "text": PIECE})
    say("flooded")


async def deaf(scope, receive, send) -> None:
    """Takes nothing until a plain request says so."""
    await accept(send)
    server_app.released.clear()
    await server_app.released.wait()
    size = 0
    while (message := await receive())["type"] == "websocket.receive":
        size += len(message["text"])
    say(f"heard {size}")


async def stay(scope, receive, send) -> None:
    """Takes its time over the end."""
    await accept(send)
    while (await receive())["type"] == "websocket.receive":
        pass
    say("staying")
    await asyncio.Event().wait()


async def tell(scope, receive, send) -> None:
    """Does nothing but send, whether anybody hears it or not."""
    await accept(send)
    try:
        while True:
            await send({"type": "websocket.send", "text": "x"})
    finally:
        say("ended")


async def late(scope, receive, send) -> None:
    """Sends to a client that has left, then hears of that."""
    await accept(send)
    await receive()
    server_app.released.clear()
    await server_app.released.wait()
    for _ in range(3):
        await send({"type": "websocket.send", "text": "x"})
    while (await receive())["type"] == "websocket.receive":
        pass
    say("told")


VIEWS = {
    "/": echo,
    "/a/ü b": echo,
    "/headers": accept_with_headers,
    "/deny": deny,
    "/deny-with-page": deny_with_page,
    "/close": close,
    "/leave": leave,
    "/fail": fail,
    "/fail-early": fail_early,
    "/think": think,
    "/flood": flood,
    "/deaf": deaf,
    "/stay": stay,
    "/tell": tell,
    "/late": late,
}


def main(*words: str) -> None:
    serve(app, *words)
    say("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
