"""What is logged of one request, by what an application sends."""

import asyncio
import logging

import pytest

from queueproxy.envelopes import ReplyHead
from queueproxy.front.http import access_log, refusals
from queueproxy.front.http.cut import Cut, StoppedUnsent
from queueproxy.front.http.headers import Peer

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/things/",
    "raw_path": b"/things/?q=secret",
    "headers": [],
    "client": ("10.0.0.1", 4000),
}
START = {"type": "http.response.start", "status": 201, "headers": []}


def piece(body: bytes, more: bool = False) -> dict:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.fixture
def records(caplog):
    """What the access log, which is on, has told."""
    caplog.set_level(logging.INFO, logger="queueproxy.access")
    told: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = told.append
    access_log.logger.addHandler(handler)
    yield told
    access_log.logger.removeHandler(handler)


def answering(*messages: dict, error: BaseException | None = None):
    """An application that sends these, then ends, perhaps by an exception."""

    async def app(scope, receive, send):
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


async def serve(app, scope=SCOPE) -> list[dict]:
    """Run an application as a server does; what it sent."""
    sent = []

    async def send(message):
        sent.append(message)

    try:
        await access_log.logged(app)(scope, None, send)
    except (Exception, asyncio.CancelledError):
        pass
    return sent


async def test_one_line_for_an_answer(records):
    messages = (START, piece(b"abc", more=True), piece(b"de"))
    assert await serve(answering(*messages)) == list(messages)
    (record,) = records
    assert record.name == "queueproxy.access"
    assert (record.method, record.path, record.status, record.bytes, record.client) == (
        *("GET", "/things/", 201, 5),
        "10.0.0.1",
    )
    assert record.outcome == "complete"
    assert 0 <= record.seconds < 20
    assert "secret" not in record.getMessage()
    assert record.getMessage().startswith("10.0.0.1 GET /things/ 201 5 queue=- wait=- run=- ")


@pytest.mark.parametrize(
    ("messages", "error", "status", "outcome"),
    [
        ((), None, 499, "client_left"),
        ((START, piece(b"", more=True)), None, 201, "client_left"),
        ((START,), Cut("broken off"), 201, "cut"),
        ((), RuntimeError("a fault"), 500, "complete"),
        ((), asyncio.CancelledError(), 502, "complete"),
        ((), StoppedUnsent(), 503, "complete"),
    ],
)
async def test_how_it_may_end(records, messages, error, status, outcome):
    await serve(answering(*messages, error=error))
    (record,) = records
    assert (record.status, record.outcome) == (status, outcome)


async def test_what_the_front_knows_is_in_it(records):
    async def app(scope, receive, send):
        entry = scope[access_log.KEY]
        entry.begins("an-id", Peer(("192.0.2.7", 0), "https"))
        entry.answered(ReplyHead("i", 2, 0, wait_ms=1500.0, run_ms=25.5, worker="web:1:a"))
        await answering(START, piece(b""))(scope, receive, send)

    await serve(app)
    (record,) = records
    assert (record.request_id, record.client, record.attempt) == ("an-id", "192.0.2.7", 2)
    assert (record.wait, record.run, record.worker) == (1.5, 0.0255, "web:1:a")


@pytest.mark.parametrize("evil", ["\r\n", "\n", "\x1b[2J", "\u2028", "\x85", "\x00"])
async def test_no_path_method_or_worker_forges_a_line(records, evil):
    async def app(scope, receive, send):
        scope[access_log.KEY].answered(ReplyHead("i", 1, 0, worker=f"w{evil}127.0.0.1 GET"))
        await answering(START, piece(b""))(scope, receive, send)

    raw = f"/a{evil}127.0.0.1 GET / 200".encode()
    await serve(app, {**SCOPE, "raw_path": raw, "method": f"GET{evil}x", "client": (evil, 1)})
    (record,) = records
    for text in (record.getMessage(), record.path, record.method, record.worker, record.client):
        assert text.isprintable()
        assert text.isascii()
    assert " GET / 200" not in record.getMessage()


async def test_off_it_costs_nothing(caplog):
    caplog.set_level(logging.INFO)  # of the root: the logger itself has no level

    async def app(scope, receive, send):
        assert scope is SCOPE
        await send(START)

    await serve(app)
    assert caplog.records == []


async def test_who_logs_already_is_not_logged_twice(records):
    await serve(access_log.logged(answering(START, piece(b""))))
    assert len(records) == 1


async def test_a_websocket_is_logged_at_its_end_where_it_was_accepted(records):
    scope = {**SCOPE, "type": "websocket"}
    del scope["method"]
    send = {"type": "websocket.send"}
    talk = ({"type": "websocket.accept"}, send | {"text": "ä"}, send | {"bytes": b"123"})
    await serve(answering(*talk), scope)
    await serve(answering({"type": "websocket.close"}), scope)
    (record,) = records
    assert (record.method, record.status, record.bytes) == ("WEBSOCKET", 101, 5)
    assert record.outcome == "complete"


def test_what_is_no_request_is_logged_too(records):
    access_log.note_refusal(refusals.HEADERS_TOO_LARGE, "an-id")
    access_log.note_refusal(refusals.FRONT_FAILED, "an-id", "/socket/\n")
    assert [(one.method, one.path, one.status) for one in records] == [
        ("-", "-", 431),
        ("GET", "/socket/\\n", 500),
    ]


def test_it_is_switched_on_once(monkeypatch):
    monkeypatch.setattr(access_log.logger, "level", logging.NOTSET)
    assert not access_log.is_on()
    access_log.logger.setLevel(logging.NOTSET)
    try:
        access_log.turn_on()
        assert access_log.is_on()
        access_log.logger.setLevel(logging.WARNING)  # as a project says that wants none
        access_log.turn_on()
        assert not access_log.is_on()
    finally:
        access_log.logger.setLevel(logging.NOTSET)
