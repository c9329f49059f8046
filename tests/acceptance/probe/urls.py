"""Views that leave a line in the ledger for each execution: nonce, method, process, token."""

import hashlib
import itertools
import os
import threading
import time
from pathlib import Path

from django.core.cache import cache
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path, re_path

from queueproxy.policy import policy

RELEASE = os.environ.get("PROBE_RELEASE", "1")


def note(request, nonce):
    """Write the line; the token, which no other execution has."""
    token = f"{time.time_ns()}-{os.getpid()}-{threading.get_ident()}"
    line = f"{nonce} {request.method} {os.getpid()} {token}\n"
    file = os.open(os.environ["PROBE_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode())  # one write: whole lines, whoever else writes
    os.close(file)
    return token


def run(request, nonce):
    note(request, nonce)
    time.sleep(float(request.GET.get("seconds", 0)))
    return HttpResponse(f"{nonce} {len(request.body)} {RELEASE}")


def die(request, nonce):
    note(request, nonce)
    os.kill(os.getpid(), 9)


def digest(request, nonce):
    """Read the body, or so many bytes of it; its SHA-256. May kill its process half-way, once."""
    note(request, nonce)
    size = int(request.META["CONTENT_LENGTH"])
    left, found = int(request.GET.get("read", size)), hashlib.sha256()
    die_at = size // 2 if "die" in request.GET and runs(nonce) == 1 else -1
    while left and (data := request.read(min(left, 65_536))):
        found.update(data)
        left -= len(data)
        if left <= die_at:
            os.kill(os.getpid(), 9)
    return HttpResponse(found.hexdigest())


def runs(nonce) -> int:
    lines = Path(os.environ["PROBE_LEDGER"]).read_text().splitlines()
    return sum(line.split()[0] == nonce for line in lines)


def read_slowly(request, nonce):
    """Read a little, say so in the ledger, and read on once a file of the nonce's name is there."""
    request.read(1000)
    note(request, nonce)
    go_on = Path(os.environ["PROBE_LEDGER"]).with_name(nonce)
    deadline = time.monotonic() + 60
    while not go_on.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return HttpResponse(str(1000 + len(request.read())))


def stream(request, nonce):
    note(request, nonce)
    size = int(request.GET.get("size", 1000))
    count = int(request.GET.get("count", 10))
    pause = float(request.GET.get("pause", 0))

    def pieces():
        for _ in range(count):
            yield b"x" * size
            time.sleep(pause)

    return StreamingHttpResponse(pieces())


def page(request, nonce):
    note(request, nonce)
    return HttpResponse(b"x" * int(request.GET["size"]))


def file(request, nonce):
    note(request, nonce)
    return FileResponse(open(request.GET["path"], "rb"))


def events(request, nonce):
    """Count on from the event that the client had last."""
    note(request, nonce)
    first = int(request.headers.get("Last-Event-ID", 0)) + 1

    def made():
        for number in itertools.count(first):
            yield f"id: {number}\ndata: {os.getpid()}\n\n"
            time.sleep(0.05)

    return StreamingHttpResponse(made(), content_type="text/event-stream")


GROWN: list[bytes] = []


def grow(request, nonce):
    """Take so many MiB of memory, and keep them."""
    note(request, nonce)
    GROWN.append(os.urandom(int(request.GET["mib"]) * 2**20))
    return HttpResponse("grown")


def bad(request, nonce):
    note(request, nonce)
    response = HttpResponse("never seen")
    response.status_code = 99
    return response


def code(request):
    """What the file named in the environment says now, read at import: fresh code."""
    return HttpResponse(CODE)


def clear_cache(request, nonce):
    """Use the project's cache, then empty it, as a view or a deploy script may."""
    cache.set("used", nonce)
    cache.clear()
    return run(request, nonce)


CODE = Path(os.environ["PROBE_CODE"]).read_text() if "PROBE_CODE" in os.environ else ""

urlpatterns = [
    re_path(r"^(?:high|low)/run/(?P<nonce>[^/]+)/$", run),
    path("run/<nonce>/", run),
    path("limited/<nonce>/", policy(at_most=2)(run)),
    path("die/<nonce>/", die),
    path("digest/<nonce>/", digest),
    path("read-slowly/<nonce>/", read_slowly),
    path("stream/<nonce>/", stream),
    path("page/<nonce>/", page),
    path("file/<nonce>/", file),
    path("events/<nonce>/", events),
    path("grow/<nonce>/", grow),
    path("bad/<nonce>/", bad),
    path("code/", code),
    path("clear/<nonce>/", clear_cache),
]
