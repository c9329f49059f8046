"""What the application gives its consumers under a server that somebody else started."""

from functools import partial
from types import SimpleNamespace

import pytest

from queueproxy import asgi, running_front
from queueproxy.running_front import RunningFront


@pytest.fixture
def seen(monkeypatch):
    """The scopes that consumers were called with, and the ``send`` each was given."""
    calls = []

    class Consumer:
        def __init__(self, *args):
            pass

        async def __call__(self, scope, receive, send):
            calls.append((scope, send))
            await send({"type": "http.response.body"})

    monkeypatch.setattr(running_front, "RequestConsumer", Consumer)
    return calls


def application() -> asgi.QueueProxy:
    """One whose front is never started."""
    running = RunningFront.__new__(RunningFront)
    running.front = running._options = running._tracing = None
    running._explains = False
    running._endpoints = SimpleNamespace(owns=lambda scope: False)
    made = asgi.QueueProxy()
    made.running = lambda: running
    return made


async def nothing(*args):
    pass


async def test_headers_are_those_that_came_before_the_body(seen):
    """uvicorn appends trailers to the list that it gave."""
    scope = {"type": "http", "headers": [(b"host", b"a")]}
    await application()(scope, nothing, nothing)
    scope["headers"].append((b"x-forwarded-for", b"127.0.0.1"))
    ((given, _),) = seen
    assert given["headers"] == [(b"host", b"a")]


async def test_a_foreign_daphnes_transport_is_waited_for(seen, monkeypatch):
    waited = []

    async def room(send):
        waited.append(send)

    monkeypatch.setattr(running_front.foreign_server, "room", room)
    transport = SimpleNamespace(abortConnection=None)
    send = partial(nothing, SimpleNamespace(channel=SimpleNamespace(transport=transport)))
    await application()({"type": "http", "headers": []}, nothing, send)
    await application()({"type": "http", "headers": []}, nothing, nothing)
    assert waited == [send]
    assert seen[1][1] is nothing
