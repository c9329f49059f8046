"""Views for the worker's tests, in the tests' own process: they share this module's state."""

import asyncio
import threading
import time
from collections import defaultdict

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

PATIENCE = 30.0  # seconds a view waits for a test


class State:
    """What the views did, and what they wait for."""

    def __init__(self):
        self.gate = threading.Event()
        self.gates: dict[str, threading.Event] = defaultdict(threading.Event)
        self.runs: list[str] = []
        self.made = 0  # pieces of streams
        self.closed = 0  # streams


state = State()


def run(request, nonce):
    state.runs.append(f"{request.method} {nonce}")
    if "wait" in request.GET:
        assert state.gate.wait(PATIENCE)
    if "until" in request.GET:
        assert state.gates[request.GET["until"]].wait(PATIENCE)
    if "exit" in request.GET:
        raise SystemExit(request.GET["exit"])
    return HttpResponse(nonce)


def sized(request, size):
    return HttpResponse(b"x" * size)


def stream(request, size, count):
    def pieces():
        try:
            for number in range(count):
                if state.made == int(request.GET.get("wait", -1)):
                    assert state.gate.wait(PATIENCE)
                if "raise" in request.GET and number == int(request.GET["raise"]):
                    raise ValueError("on purpose")
                state.made += 1
                yield b"%c" % (97 + number % 26) * size
        finally:
            state.closed += 1

    response = StreamingHttpResponse(pieces())
    for name in ("Content-Length", "X-Evil"):
        if name in request.GET:
            response.headers._store[name.lower()] = (name, request.GET[name])
    return response


async def silent(request):
    """An asynchronous stream that says one thing, then nothing."""

    async def pieces():
        try:
            state.made += 1
            yield b"first"
            await asyncio.sleep(PATIENCE)
        finally:
            state.closed += 1

    return StreamingHttpResponse(pieces(), content_type=request.GET.get("type", "text/plain"))


def events(request):
    def pieces():
        try:
            while True:
                state.made += 1
                yield b"data: x" * int(request.GET.get("size", 1)) + b"\n\n"
                time.sleep(0.01)
        finally:
            state.closed += 1

    return StreamingHttpResponse(
        pieces(), content_type=request.GET.get("type", "text/event-stream")
    )


def status(request, status):
    return HttpResponse(b"a body", status=status)


urlpatterns = [
    path("run/<nonce>/", run),
    path("sized/<int:size>/", sized),
    path("stream/<int:size>/<int:count>/", stream),
    path("silent/", silent),
    path("events/", events),
    path("status/<int:status>/", status),
]
