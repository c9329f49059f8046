"""Views that leave a line in the ledger for each execution: nonce, method, process, token."""

import os
import threading
import time
from pathlib import Path

from django.core.cache import cache
from django.http import HttpResponse, StreamingHttpResponse
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
    path("stream/<nonce>/", stream),
    path("page/<nonce>/", page),
    path("bad/<nonce>/", bad),
    path("code/", code),
    path("clear/<nonce>/", clear_cache),
]
