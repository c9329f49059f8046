"""An ASGI application that counts what it was made to do.

    python -m tests.hostile.app SERVER FD [GRACEFUL_TIMEOUT]

serves it as the front is served. What it runs it answers with one line: the method, the target,
the body, and in brackets those of the headers it should never see.
"""

import asyncio
import json
import sys

from queueproxy.front.http.admission import admit
from queueproxy.front.http.body import (
    BodyTooLarge,
    BodyTooSlow,
    ClientDisconnected,
    iter_body,
)
from queueproxy.front.http.refusals import BODY_TOO_LARGE, BODY_TOO_SLOW
from queueproxy.servers import foreign_server

from ..integration.server_app import lifespan, refuse, reply, say, serve, start

MAX_BODY = 256 * 1024
PIECE = b"x" * 65536
FORBIDDEN = frozenset(
    (
        *(b"x-forwarded-for", b"x-forwarded-proto", b"cookie", b"authorization", b"remote-user"),
        *(b"x-real-ip", b"forwarded", b"x-trailer"),
    )
)

runs: list[str] = []
opened = asyncio.Event()


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] != "http":
        raise ValueError(f"No {scope['type']} here.")
    headers = list(scope["headers"])
    path = scope["path"]
    if path == "/runs":
        await reply(send, json.dumps(runs).encode())
        runs.clear()
        return
    if path == "/ping":
        await reply(send, b"pong")
        return
    refusal = admit(scope, max_body=MAX_BODY)
    if refusal is not None:
        await refuse(refusal, receive, send)
        return
    try:
        body = b"".join([piece async for piece in iter_body(receive, limit=MAX_BODY, slack=2)])
    except BodyTooLarge:
        await refuse(BODY_TOO_LARGE, receive, send)
        return
    except BodyTooSlow:
        await refuse(BODY_TOO_SLOW, receive, send)
        return
    except ClientDisconnected:
        return
    await VIEWS.get(path, run)(described(scope, headers, body), receive, send)


def described(scope: dict, headers: list, body: bytes) -> str:
    """The line of a request."""
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    text = body.decode("latin-1") if len(body) <= 64 else f"{len(body)} bytes"
    words = [scope["method"], target, *([text] if text else [])]
    words += [f"[{name.decode()}]" for name, _ in headers if name in FORBIDDEN]
    return " ".join(words)


async def run(line: str, receive, send) -> None:
    runs.append(line)
    await reply(send, line.encode())


async def hold(line: str, receive, send) -> None:
    """As the front does: waits, and withdraws what its client has left."""
    say(f"held {line}")
    opening = asyncio.ensure_future(opened.wait())
    leaving = asyncio.ensure_future(receive())
    await asyncio.wait([opening, leaving], return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    if leaving.done():
        assert leaving.result()["type"] == "http.disconnect"
        say(f"left {line}")
        return
    leaving.cancel()
    await run(line, receive, send)


async def open_(line: str, receive, send) -> None:
    """Lets everything held go on."""
    opened.set()
    await reply(send, b"open")
    opened.clear()


async def big(line: str, receive, send) -> None:
    """30 MB in pieces, to the end or until the client leaves."""
    runs.append(line)
    say(f"began {line}")
    leaving = asyncio.ensure_future(receive())
    await start(send)
    for _ in range(480):
        sending = asyncio.ensure_future(piece(send))
        await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            sending.cancel()
            say(f"left {line}")
            return
    leaving.cancel()
    await send({"type": "http.response.body"})
    say(f"ended {line}")


async def piece(send) -> None:
    body = PIECE[:-1] + b"y"  # a new one: a server may keep one and the same without any memory
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await foreign_server.room(send)


async def large(line: str, receive, send) -> None:
    """4 MB at once."""
    runs.append(line)
    await reply(send, PIECE * 64)


async def stream(line: str, receive, send) -> None:
    """Without a length."""
    runs.append(line)
    await start(send)
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})


async def broken(line: str, receive, send) -> None:
    """A stream that breaks off."""
    await start(send)
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    if not foreign_server.cut(send):  # as the front does
        raise ValueError("broken on purpose")


VIEWS = {
    "/hold": hold,
    "/hold2": hold,
    "/open": open_,
    "/big": big,
    "/large": large,
    "/stream": stream,
    "/broken": broken,
}


def show_failures(server: str) -> None:
    """Twisted keeps what its protocols raise to itself."""
    if server == "daphne":
        from twisted.logger import globalLogPublisher

        def show(event: dict) -> None:
            if "log_failure" in event:
                print("Traceback", event["log_failure"].getTraceback(), flush=True)

        globalLogPublisher.addObserver(show)


def main(server: str, *words: str) -> None:
    show_failures(server)
    serve(app, server, *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
