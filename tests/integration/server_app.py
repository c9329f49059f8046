"""A small ASGI application, and a process that serves it as the front is served.

    python -m tests.integration.server_app SERVER FD [GRACEFUL_TIMEOUT]

serves on an inherited listening socket and prints what happens, a word a line.
"""

import asyncio
import json
import os
import socket
import sys

from queueproxy import servers
from queueproxy.front.http.admission import admit
from queueproxy.front.http.body import BodyTooLarge, BodyTooSlow, discard_body, iter_body
from queueproxy.front.http.own_answers import response
from queueproxy.front.http.refusals import BODY_TOO_LARGE, BODY_TOO_SLOW, Refusal
from queueproxy.servers import foreign_server
from queueproxy.servers.common import limits

LIMIT = 1024 * 1024  # bytes of body
PIECE = b"x" * 65536


def say(word: str) -> None:
    print(word, flush=True)


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    refusal = admit(scope, max_body=1 << 40 if scope["path"] == "/sink" else LIMIT)
    if refusal is not None:
        await refuse(refusal, receive, send)
        return
    await VIEWS.get(scope["path"], echo)(scope, receive, send)


async def lifespan(receive, send) -> None:
    if "SERVER_APP_FAILS" in os.environ:
        await send({"type": "lifespan.startup.failed", "message": "no"})
        return
    for what in ("startup", "shutdown"):
        await receive()
        say(what)
        await send({"type": f"lifespan.{what}.complete"})


async def refuse(refusal: Refusal, receive, send) -> None:
    adds = foreign_server.headers_it_adds(send)
    status, headers, body = response(refusal, "test", server_adds=adds)
    await start(send, status, headers)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await discard_body(receive)
    await send({"type": "http.response.body"})


async def start(send, status=200, headers=()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def reply(send, body: bytes, status=200, headers=()) -> None:
    await start(send, status, [(b"content-length", b"%d" % len(body)), *headers])
    await send({"type": "http.response.body", "body": body})


async def echo(scope, receive, send) -> None:
    try:
        body = b"".join([piece async for piece in iter_body(receive, limit=LIMIT, slack=1)])
    except BodyTooLarge:
        await refuse(BODY_TOO_LARGE, receive, send)
        return
    except BodyTooSlow:
        await refuse(BODY_TOO_SLOW, receive, send)
        return
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
        "root_path": scope["root_path"],
        "body": body.decode("latin-1"),
    }
    await reply(send, json.dumps(seen).encode())


async def early(scope, receive, send) -> None:
    """Answers before it has read the body."""
    await reply(send, b"early")


async def held(scope, receive, send) -> None:
    """Answers when the client says so on a second connection, or never."""
    say("held")
    released.clear()
    await released.wait()
    await reply(send, b"released")


async def release(scope, receive, send) -> None:
    released.set()
    await reply(send, b"ok")


async def watch(scope, receive, send) -> None:
    """Says when its client leaves."""
    say("watching")
    while (await receive())["type"] != "http.disconnect":
        pass
    say("left")


async def sink(scope, receive, send) -> None:
    """Takes a body of any size, and takes its time when asked to."""
    size = 0
    more = True
    if scope["query_string"] == b"slow":
        say("not reading")
        await released.wait()
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await reply(send, b"%d" % size)


async def stream(scope, receive, send) -> None:
    """So many pieces of 64 KiB, in chunks."""
    await start(send)
    for _ in range(int(scope["query_string"])):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    say("streamed")
    await send({"type": "http.response.body"})


async def endless(scope, receive, send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
    say("endless")
    await asyncio.Event().wait()


async def fail(scope, receive, send) -> None:
    raise ValueError("secret of the inside")


async def fail_after_start(scope, receive, send) -> None:
    await start(send, headers=[(b"content-type", b"text/plain")])
    await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
    raise ValueError("secret of the inside")


async def cut_by_hand(scope, receive, send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
    if not foreign_server.cut(send):
        raise ValueError("there is no other way")


async def leave_after_start(scope, receive, send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": b"beginning", "more_body": True})


async def too_short(scope, receive, send) -> None:
    await start(send, headers=[(b"content-length", b"10")])
    await send({"type": "http.response.body", "body": b"123"})


async def too_long(scope, receive, send) -> None:
    await start(send, headers=[(b"content-length", b"3")])
    await send({"type": "http.response.body", "body": b"12345"})


async def two_pieces(scope, receive, send) -> None:
    await start(send, headers=[(b"x-a", b"1")])
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})


async def bodiless(scope, receive, send) -> None:
    await start(send, int(scope["query_string"]), [(b"x-a", b"1")])
    await send({"type": "http.response.body", "more_body": True})
    await send({"type": "http.response.body"})


VIEWS = {
    "/early": early,
    "/held": held,
    "/release": release,
    "/watch": watch,
    "/sink": sink,
    "/stream": stream,
    "/endless": endless,
    "/fail": fail,
    "/fail-after-start": fail_after_start,
    "/cut-by-hand": cut_by_hand,
    "/leave-after-start": leave_after_start,
    "/too-short": too_short,
    "/too-long": too_long,
    "/two-pieces": two_pieces,
    "/bodiless": bodiless,
}
released = asyncio.Event()


def serve(app, server: str, fd: str, graceful_timeout: str = "10") -> None:
    """Serve as the front is served, within limits of the test's own."""
    for name, value in json.loads(os.environ.get("SERVER_APP_LIMITS", "{}")).items():
        assert hasattr(limits, name)
        setattr(limits, name, value)
    servers.run(
        server,
        app,
        socket.socket(fileno=int(fd)),
        graceful_timeout=float(graceful_timeout),
        on_draining=lambda: say("draining"),
        on_refused=lambda refusal: refusal.reason and say(f"counts {refusal.reason}"),
    )


def main(*words: str) -> None:
    serve(app, *words)
    say("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
