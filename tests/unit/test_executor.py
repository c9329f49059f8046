"""The executor, trap by trap: each of these went wrong with the stock test client."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite

from queueproxy.envelopes import Envelope
from queueproxy.exceptions import BadResponse
from queueproxy.worker.exchange import Exchange
from queueproxy.worker.executor import Executor

from ..kit.waiting import wait_until
from . import executor_site as site
from .executor_site import RAISED, CountingMiddleware, Taker, answered, events, head_of

MIDDLEWARE = [
    f"{site.__name__}.CountingMiddleware",
    f"{site.__name__}.NothingMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]


@pytest.fixture(autouse=True)
def _site(settings, no_connection):
    settings.ROOT_URLCONF = site.__name__
    settings.MIDDLEWARE = MIDDLEWARE
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    settings.DEBUG = False
    CountingMiddleware.made = CountingMiddleware.seen = 0
    events.clear()


@pytest.fixture
def executor(_site):
    return Executor()


def run(executor, method, path, *headers, root="", body=b"", taker=None) -> Taker:
    """One request through the executor, in this thread."""
    head = head_of(method, path, *headers, root=root, body=body)
    return answered(executor, head, body, taker or Taker())


@pytest.fixture
def pool():
    """Two threads that live through the test."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def receive():
    """Connects receivers of Django's signals for the test."""
    connected = []

    def connect(signal, receiver):
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.fixture
def database(tmp_path, monkeypatch, django_db_blocker):
    """A file of this test's own, for threads other than this one."""
    sqlite = {**connections.settings["default"], "NAME": str(tmp_path / "db"), "CONN_MAX_AGE": 0}
    monkeypatch.setitem(connections.settings, "default", sqlite)
    with django_db_blocker.unblock():
        yield sqlite


# Threads.


def test_an_exception_stays_in_its_own_thread(executor, pool):
    raising = pool.submit(run, executor, "GET", "/meet/?raise")
    calm = pool.submit(run, executor, "GET", "/meet/")
    assert raising.result().status == 500
    assert calm.result().body == b"calm"


def test_middleware_is_loaded_once_and_before_the_first_request(pool):
    executor = Executor()
    assert CountingMiddleware.made == 1
    list(pool.map(lambda _: run(executor, "GET", "/echo/"), range(20)))
    assert (CountingMiddleware.made, CountingMiddleware.seen) == (1, 20)


def test_what_a_request_leaves_in_its_context_is_gone_with_it(executor):
    seen = {run(executor, "GET", "/leak/").body for _ in range(3)}
    assert seen == {b"nothing en UTC"}


# Cookies and CSRF.


def test_the_next_request_is_not_alice(executor):
    assert ("Set-Cookie", "user=alice; Path=/") in run(executor, "GET", "/cookie/").headers
    assert json.loads(run(executor, "GET", "/echo/").body)["cookies"] == {}


def test_csrf_is_checked(executor):
    assert run(executor, "POST", "/echo/").status == 403
    token = run(executor, "GET", "/cookie/").body.decode()
    headers = (("X-CSRFToken", token), ("Cookie", f"csrftoken={token}"))
    assert run(executor, "POST", "/echo/", *headers).status == 200


# Paths.


def test_reverse_knows_the_prefix_and_forgets_it(executor):
    assert (
        json.loads(run(executor, "GET", "/sub/echo/", root="/sub").body)["reverse"] == "/sub/echo/"
    )
    assert json.loads(run(executor, "GET", "/echo/").body)["reverse"] == "/echo/"


def test_a_path_is_not_taken_for_a_host(executor):
    assert run(executor, "GET", "//evil/ok/").status == 200
    assert run(executor, "GET", "/ok/").status == 404


def test_an_empty_post_keeps_its_content_type(executor, settings):
    settings.MIDDLEWARE = []
    seen = run(Executor(), "POST", "/echo/", ("Content-Type", "application/json"))
    assert json.loads(seen.body)["content_type"] == "application/json"


# Exceptions.


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", ["raises", "raises-async"])
def test_whatever_a_view_raises_is_a_500(executor, kind, name, caplog):
    taker = run(executor, "GET", f"/{kind}/{name}/")
    assert (taker.status, taker.ended) == (500, "full")
    assert b"on purpose" not in taker.body
    assert "on purpose" in caplog.text


def test_a_receiver_that_raises_is_a_500_and_logged_once(executor, receive, caplog):
    def fails(**kwargs):
        raise ValueError("on purpose")

    receive(request_started, fails)
    assert run(executor, "GET", "/echo/").status == 500
    assert [record.name for record in caplog.records if record.exc_info] == ["queueproxy.worker"]


def test_middleware_that_returns_nothing_is_a_500(executor):
    assert run(executor, "GET", "/echo/?nothing").status == 500
    assert run(executor, "GET", "/echo/").status == 200


def test_the_exception_page_in_debug_mode(executor, settings):
    settings.DEBUG = True
    assert b"on purpose" in run(executor, "GET", "/raises/ValueError/").body


# Signals and closing.

ENDINGS = {
    "plain": ("GET", "/echo/"),
    "stream": ("GET", "/stream/"),
    "async stream": ("GET", "/stream-async/"),
    "head of a stream": ("HEAD", "/stream/"),
    "view raises": ("GET", "/raises/ValueError/"),
    "view exits": ("GET", "/raises/SystemExit/"),
    "stream raises": ("GET", "/stream/?raise=ValueError"),
    "unusable": ("GET", "/bad/"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_signals_are_sent_once(executor, receive, ending):
    sent = []
    receive(request_started, lambda **kwargs: sent.append("started"))
    receive(request_finished, lambda **kwargs: sent.append("finished"))
    try:
        run(executor, *ENDINGS[ending])
    except BadResponse:
        assert ending == "unusable"
    assert sent == ["started", "finished"]


def test_receivers_get_what_a_server_gives_them(executor, receive):
    seen = {}
    receive(request_started, lambda sender, environ, **kwargs: seen.update(environ))
    run(executor, "GET", "/echo/?a=1")
    assert (seen["PATH_INFO"], seen["QUERY_STRING"]) == ("/echo/", "a=1")


def test_the_answer_goes_before_slow_receivers(executor, receive):
    receive(request_finished, lambda **kwargs: events.append("closed"))
    taker = run(executor, "GET", "/echo/")
    assert taker.ended == "full"
    assert events == ["taken", "closed"]


def test_a_receiver_that_raises_at_the_end_is_logged(executor, receive, caplog):
    def fails(**kwargs):
        raise SystemExit("on purpose")

    receive(request_finished, fails)
    assert run(executor, "GET", "/echo/").status == 200
    assert "Closing a response failed" in caplog.text


# Database connections.


def queries(executor, times: int) -> list:
    """The connection that is open after each of so many requests in this thread."""
    open_ones = []
    for _ in range(times):
        assert run(executor, "GET", "/query/").status == 200
        open_ones.append(connections["default"].connection)
    executor.close_thread()
    assert connections["default"].connection is None
    return open_ones


def test_connections_are_closed_as_settings_say(executor, pool, database):
    assert pool.submit(queries, executor, 1).result() == [None]


def test_connections_are_kept_as_settings_say_but_not_beyond_the_thread(executor, pool, database):
    database["CONN_MAX_AGE"] = 60
    first, second = pool.submit(queries, executor, 2).result()
    assert first is second is not None


def test_a_dead_connection_is_not_used_again(executor, pool, database, monkeypatch):
    """As after the database was restarted: it is noticed when a request fails, and closed."""
    database["CONN_MAX_AGE"] = None
    monkeypatch.setattr(SQLite, "is_usable", lambda self: False)  # as a lost server's would be

    def break_it_and_ask_again():
        run(executor, "GET", "/query/")
        connections["default"].connection.close()  # behind Django's back
        statuses = [run(executor, "GET", "/query/").status for _ in range(2)]
        executor.close_thread()
        return statuses

    assert pool.submit(break_it_and_ask_again).result() == [500, 200]


def test_connections_are_closed_also_while_others_are_in_django(executor, pool, database):
    """The stock client takes the closing receivers off while any thread is inside."""
    inside = pool.submit(run, executor, "GET", "/meet/")
    site.meeting.wait()
    assert pool.submit(queries, executor, 1).result() == [None]
    site.meeting.wait()
    assert inside.result().status == 200


# Streams.


def test_a_stream_goes_out_piece_by_piece(executor):
    taker = run(executor, "GET", "/stream/")
    assert taker.chunks == [b"0 ", b"1 ", b"2 "]
    assert taker.ended == "end"


def test_a_client_that_leaves_stops_the_view(executor):
    taker = run(executor, "GET", "/stream/?count=1000000000", taker=Taker(leaves_after=4))
    assert taker.body == b"0 1 "
    assert taker.ended == ""
    assert events[-1] == "view's finally sees its own"


def test_a_client_that_leaves_an_endless_async_stream(executor):
    taker = run(executor, "GET", "/stream-async/?count=1000000000", taker=Taker(leaves_after=4))
    assert len(taker.chunks) == 1
    assert events[-2:] == ["view's finally", "taken"]


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", ["stream", "stream-async"])
def test_a_stream_that_raises_is_broken_off(executor, kind, name, caplog):
    taker = run(executor, "GET", f"/{kind}/?raise={name}")
    assert (taker.status, taker.ended, len(taker.chunks)) == (200, "abort", 3)
    assert "A streamed answer broke off" in caplog.text
    assert run(executor, "GET", "/echo/").status == 200


@pytest.mark.parametrize("kind", ["stream", "stream-async"])
def test_a_stream_whose_closing_raises_when_the_client_leaves(executor, kind):
    taker = run(executor, "GET", f"/{kind}/?count=9&late", taker=Taker(leaves_after=2))
    assert len(taker.chunks) == 1
    assert events[-1] == "taken" or events[-1].startswith("view's finally")


@pytest.mark.parametrize(
    ("length", "ended"), [(6, "end"), (5, "abort"), (7, "abort"), (0, "abort")]
)
def test_a_stream_that_declared_another_length(executor, length, ended):
    taker = run(executor, "GET", f"/stream/?length={length}")
    assert taker.ended == ended
    assert len(taker.body) <= length


def test_async_streams_keep_their_synchronous_part_in_this_thread(executor):
    """So its database connection is the one that is closed with the request."""
    here = threading.current_thread().name
    taker = run(executor, "GET", "/stream-async/")
    assert taker.body.decode() == f"{here} 0 {here} 1 {here} 2 "
    assert events[:3] == [f"chunk on {here}"] * 3


def test_async_streams_of_two_threads_do_not_wait_for_each_other(executor, pool):
    class Meeting(Taker):
        def chunk(self, data):
            super().chunk(data)
            site.meeting.wait()  # only both together get on

    takers = [pool.submit(run, executor, "GET", "/stream-async/", taker=Meeting()) for _ in "ab"]
    assert [taker.result().ended for taker in takers] == ["end", "end"]


def test_the_loop_of_an_async_stream_goes_on_while_the_client_is_slow(executor):
    class Slow(Taker):
        def chunk(self, data):
            super().chunk(data)
            wanted = len(site.ticks) + 3
            wait_until(lambda: len(site.ticks) >= wanted, "ticks")

    assert run(executor, "GET", "/ticking/", taker=Slow()).ended == "end"


def test_head_does_not_read_a_stream(executor):
    taker = run(executor, "HEAD", "/stream/")
    assert (taker.body, taker.ended) == (b"", "full")
    assert not any(event.startswith("chunk") for event in events)


# Exchanges.


def exchange_of(executor, method, path) -> Exchange:
    return executor.respond(Envelope(head_of(method, path)))


def test_an_exchange_is_closed_once(executor, receive):
    closings = []
    receive(request_finished, lambda **kwargs: closings.append(1))
    exchange = exchange_of(executor, "GET", "/echo/")
    exchange.close()
    exchange.close()
    assert closings == [1]


def test_an_exchange_is_closed_in_the_context_of_its_view(executor, receive):
    seen = []
    receive(request_finished, lambda **kwargs: seen.append(site.variable.get()))
    exchange_of(executor, "GET", "/leak/").close()
    assert seen == ["left"]
    assert site.variable.get() == "nothing"


@pytest.mark.parametrize(
    ("method", "path", "quickly"),
    [
        ("GET", "/echo/", True),
        ("GET", "/raises/ValueError/", True),
        ("HEAD", "/echo/", True),
        ("GET", "/bad/", True),
        ("GET", "/stream/", False),
        ("HEAD", "/stream/", False),
        ("GET", "/stream-async/", False),
        ("GET", "/closes/resource/", False),
        ("GET", "/closes/class/", False),
        ("GET", "/closes/object/", False),
        ("GET", "/closes/odd/", False),
    ],
)
def test_what_closes_quickly(executor, method, path, quickly):
    exchange = exchange_of(executor, method, path)
    assert exchange.closes_quickly is quickly
    exchange.close()


def test_with_uploaded_files_it_does_not_close_quickly(executor, settings):
    settings.MIDDLEWARE = []
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--b--\r\n'
    content_type = ("Content-Type", "multipart/form-data; boundary=b")
    head = head_of("POST", "/files/", content_type, body=body)
    exchange = Executor().respond(Envelope(head, body))
    assert exchange.answer().body == b"x"
    assert not exchange.closes_quickly
    exchange.close()


def test_while_others_listen_nothing_closes_quickly(executor):
    def receiver(**kwargs):
        pass

    exchange = exchange_of(executor, "GET", "/echo/")
    assert exchange.closes_quickly
    request_finished.connect(receiver)
    assert not exchange.closes_quickly
    request_finished.disconnect(receiver)
    assert exchange.closes_quickly
    request_finished.connect(receiver, sender=WSGIHandler, weak=False)
    assert not exchange.closes_quickly
    request_finished.disconnect(receiver, sender=WSGIHandler)
    exchange.close()
