"""Agents stand in the place of ``WSGIHandler.__call__``; the executor is a WSGI server to them.

What real agents report is held by tests/agents; here stands, case by case, what they may do.
"""

import logging
from http import HTTPStatus

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started

from queueproxy.envelopes import Envelope
from queueproxy.exceptions import BadResponse
from queueproxy.worker.executor import Executor
from queueproxy.worker.response import FILE_BLOCK

from . import executor_site as site
from .executor_site import Taker, answered, events, head_of

STOCK_CALL = WSGIHandler.__call__


@pytest.fixture(autouse=True)
def _site(settings, no_connection):
    settings.ROOT_URLCONF = site.__name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    settings.DEBUG = False
    events.clear()


@pytest.fixture
def executor(_site):
    return Executor()


@pytest.fixture
def watch(executor, monkeypatch):
    """Puts an agent in the place of Django's function; the executor was there before it."""

    def put(agent):
        monkeypatch.setattr(
            WSGIHandler,
            "__call__",
            lambda self, environ, start_response: agent(
                lambda start=start_response: STOCK_CALL(self, environ, start), start_response
            ),
        )
        return executor

    return put


class Watching:
    """An agent's iterable: notes pieces, errors and the end; closes itself there, if `eager`."""

    def __init__(self, inner, *, eager=False):
        self.inner = inner
        self._eager = eager

    def __iter__(self):
        try:
            for piece in self.inner:
                events.append(f"piece of {len(piece)}")
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            events.append(f"saw {type(error).__name__}")
            raise
        if self._eager:
            self.close()

    def close(self):
        events.append("agent closes")
        self.inner.close()


def watching(call, start_response):
    """The plainest agent."""
    return Watching(call())


def run(executor, method, path, taker=None) -> Taker:
    return answered(executor, head_of(method, path), b"", taker or Taker())


def test_the_agent_reads_and_closes_after_the_answer_was_taken(watch):
    taker = run(watch(watching), "GET", "/echo/")
    size = len(taker.body)
    assert (taker.status, taker.ended) == (200, "full")
    assert events == [f"piece of {size}", "taken", "agent closes"]


def test_an_agent_that_closes_at_the_last_piece_does_not_delay_the_answer(watch):
    executor = watch(lambda call, start: Watching(call(), eager=True))
    taker = run(executor, "GET", "/echo/")
    assert events[:3] == [f"piece of {len(taker.body)}", "taken", "agent closes"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_a_declared_length_the_body_is_whole(watch, settings, method):
    settings.MIDDLEWARE = []
    taker = run(watch(watching), method, "/echo/")
    assert (b"reverse" in taker.body) == (method == "GET")
    assert events[-1] == "agent closes"
    assert len([event for event in events if event.startswith("piece")]) == 1


def test_nothing_wrapped_closes_quickly(watch, executor):
    def exchange():
        return executor.respond(Envelope(head_of("GET", "/echo/"), b""))

    assert exchange().closes_quickly
    watch(watching)
    assert not exchange().closes_quickly


def test_headers_of_the_agent_go_to_the_client(watch):
    def agent(call, start_response):
        def start(status, headers, *rest):
            return start_response(status, [*headers, ("X-Agent", "here")], *rest)

        return call(start)

    taker = run(watch(agent), "GET", "/cookie/")
    assert ("X-Agent", "here") in taker.headers
    assert ("Set-Cookie", "user=alice; Path=/") in taker.headers
    assert taker.ended == "full"


def test_headers_may_come_with_the_first_piece_and_the_body_may_grow(watch):
    """As New Relic's agent does to put its script into a page."""

    def agent(call, start_response):
        told = []
        inner = call(lambda *words: told.append(words))

        def pieces():
            for number, piece in enumerate(inner):
                if number == 0:
                    status, headers = told[-1]
                    piece = b"<script>" + piece
                    start_response(status, [(name, grown(name, value)) for name, value in headers])
                yield piece
            inner.close()

        return pieces()

    def grown(name, value):
        return str(int(value) + len("<script>")) if name == "Content-Length" else value

    taker = run(watch(agent), "GET", "/echo/")
    assert taker.body.startswith(b"<script>{")
    assert dict(taker.headers)["Content-Length"] == str(len(taker.body))
    taker = run(watch(agent), "HEAD", "/echo/")
    assert (taker.body, taker.status) == (b"", 200)
    taker = run(watch(agent), "GET", "/stream/")
    assert (taker.body, taker.ended) == (b"<script>0 1 2 ", "end")


def test_a_body_unlike_its_length_is_not_sent(watch):
    def agent(call, start_response):
        return Watching(Appended(call()))

    class Appended:
        def __init__(self, inner):
            self.close = inner.close
            self._inner = inner

        def __iter__(self):
            return iter((b"".join(self._inner) + b"more",))

    with pytest.raises(BadResponse, match="the body has"):
        run(watch(agent), "GET", "/echo/")
    assert events[-1] == "agent closes"


def test_streams_pass_through_the_agent_piece_by_piece(watch):
    taker = run(watch(watching), "GET", "/stream/")
    assert taker.chunks == [b"0 ", b"1 ", b"2 "]
    steps = [event.split()[0] for event in events]
    assert steps == [*["piece", "chunk"] * 3, "view's", "taken", "agent"]
    assert "view's finally sees its own" in events


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_the_agent_sees_what_breaks_a_stream(watch, path, caplog):
    taker = run(watch(watching), "GET", f"{path}?raise=ValueError")
    assert taker.ended == "abort"
    assert len(taker.chunks) == 3
    assert "saw ValueError" in events
    assert events[-1] == "agent closes"
    assert "broke off" in caplog.text


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_that_the_client_left_is_no_error_to_the_agent(watch, path, caplog):
    taker = run(watch(watching), "GET", f"{path}?count=1000000", Taker(leaves_after=5))
    assert taker.ended == ""
    assert not [event for event in events if event.startswith("saw")]
    assert events.count("agent closes") == 1
    assert len([event for event in events if event.startswith("view's finally")]) == 1
    assert not caplog.records


def test_async_streams_go_out_piece_by_piece(watch):
    taker = run(watch(watching), "GET", "/stream-async/")
    assert (len(taker.chunks), taker.ended) == (3, "end")
    assert events[-2:] == ["taken", "agent closes"]


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_head_does_not_read_a_stream(watch, path):
    taker = run(watch(watching), "HEAD", path)
    assert (taker.ended, taker.body) == ("full", b"")
    assert not [event for event in events if event.startswith("piece")]
    assert events[-1] == "agent closes"


def test_files_are_read_in_blocks(watch, tmp_path, settings):
    (tmp_path / "file").write_bytes(b"x" * (FILE_BLOCK + 1))
    settings.MEDIA_ROOT = tmp_path
    taker = run(watch(watching), "GET", "/a-file/")
    assert [len(chunk) for chunk in taker.chunks] == [FILE_BLOCK, 1]
    assert f"piece of {FILE_BLOCK}" in events


def test_an_agent_may_answer_by_itself(watch):
    def firewall(call, start_response):
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"not ", b"you"]

    taker = run(watch(firewall), "GET", "/echo/")
    assert (taker.status, taker.body) == (HTTPStatus.FORBIDDEN, b"not you")
    assert taker.headers == [("Content-Type", "text/plain")]


@pytest.mark.parametrize("status", ["", "OK", "999 Beyond"])
def test_an_answer_of_the_agents_making_that_can_not_be_sent(watch, status):
    def agent(call, start_response):
        start_response(status, [])
        return [b""]

    with pytest.raises(BadResponse):
        run(watch(agent), "GET", "/echo/")


def test_an_agent_that_never_starts_has_no_answer(watch):
    with pytest.raises(BadResponse, match="start_response"):
        run(watch(lambda call, start_response: [b"body"]), "GET", "/echo/")


def test_an_agent_that_fails_does_not_take_the_answer_with_it(watch, caplog):
    def agent(call, start_response):
        call()
        raise RuntimeError("a fault of the agent")

    taker = run(watch(agent), "GET", "/echo/")
    assert taker.status == 200
    assert b"reverse" in taker.body
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "queueproxy.worker")


def test_signals_come_from_djangos_own_handler(executor):
    seen = []

    def receiver(signal, sender, **kwargs):
        seen.append((signal, sender))

    for signal in (request_started, request_finished):
        signal.connect(receiver, sender=WSGIHandler)
    try:
        run(executor, "GET", "/echo/")
    finally:
        for signal in (request_started, request_finished):
            signal.disconnect(receiver, sender=WSGIHandler)
    assert seen == [(request_started, WSGIHandler), (request_finished, WSGIHandler)]
