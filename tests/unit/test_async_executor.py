"""The executor of an event loop, trap by trap, as test_executor has it for threads."""

import asyncio
import json
import threading

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from ..kit.waiting import wait_until
from . import executor_site as site
from .async_taker import AsyncTaker, LoopInThread
from .executor_site import RAISED, CountingMiddleware, events, head_of, variable

MIDDLEWARE = [
    f"{site.__name__}.CountingMiddleware",
    f"{site.__name__}.NothingMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
STOCK_CALL = ASGIHandler.__call__
cancelled = threading.Event()
SOON = 10.0  # seconds, on a busy machine; the views wait for an hour


async def waits(request):
    """Waits for ever, and notes how it ends."""
    events.append("waits")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        events.append("view is cancelled")
        raise
    finally:
        cancelled.set()


async def silent(request):
    """A stream that says something once."""

    async def pieces():
        try:
            yield b"first"
            await asyncio.sleep(3600)
        finally:
            events.append("stream is closed")
            cancelled.set()

    return StreamingHttpResponse(pieces())


class ModuleClient:
    """As an async client of a library: what it keeps belongs to the loop it was first used on."""

    def __init__(self):
        self.queue: asyncio.Queue | None = None

    async def ask(self) -> str:
        if self.queue is None:
            self.queue = asyncio.Queue()
            await self.queue.put("answer")
        answer = await self.queue.get()
        await self.queue.put(answer)
        return answer


module_client = ModuleClient()


async def uses_module_client(request):
    return HttpResponse(await module_client.ask())


async def leaves_a_task(request):
    async def later():
        await asyncio.sleep(0.05)
        events.append("task has ended")

    leaves_a_task.task = asyncio.create_task(later())
    return HttpResponse("before")


AT_ONCE, THREADS_AT_ONCE = 50, 4
meeting = threading.Barrier(THREADS_AT_ONCE)
arrived: list[asyncio.Event] = []


def meets_in_threads(request):
    """Answers as soon as so many threads run it at the same time."""
    meeting.wait(20)
    return HttpResponse(threading.current_thread().name)


async def meets(request):
    """Answers as soon as so many requests run at the same time."""
    mine = asyncio.Event()
    arrived.append(mine)
    if len(arrived) == AT_ONCE:
        for event in arrived:
            event.set()
    await asyncio.wait_for(mine.wait(), 20)
    return HttpResponse(variable.get())


urlpatterns = [
    *site.urlpatterns,
    path("waits/", waits),
    path("silent/", silent),
    path("module-client/", uses_module_client),
    path("leaves-a-task/", leaves_a_task),
    path("meets-in-threads/", meets_in_threads),
    path("meets/", meets),
]


@pytest.fixture(autouse=True)
def _site(settings, no_connection):
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = MIDDLEWARE
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    settings.DEBUG = False
    CountingMiddleware.made = CountingMiddleware.seen = 0
    events.clear()
    cancelled.clear()
    module_client.queue = None
    arrived.clear()


@pytest.fixture
def loop(_site):
    loop = LoopInThread()
    yield loop
    loop.close()


def run(loop, method, path, *headers, root="", body=b"", taker=None) -> AsyncTaker:
    return loop.run(head_of(method, path, *headers, root=root, body=body), body, taker)


@pytest.fixture
def receive():
    """Connects receivers of Django's signals for the test."""
    connected = []

    def connect(signal, receiver, **options):
        signal.connect(receiver, weak=False, **options)
        connected.append((signal, receiver, options))

    yield connect
    for signal, receiver, options in connected:
        signal.disconnect(receiver, **options)


# Middleware and contexts.


def test_middleware_is_loaded_once_and_before_the_first_request(loop):
    assert CountingMiddleware.made == 1
    for taking in [loop.begin(head_of("GET", "/echo/")) for _ in range(20)]:
        taking.result(20)
    assert (CountingMiddleware.made, CountingMiddleware.seen) == (1, 20)


def test_what_a_request_leaves_in_its_context_is_gone_with_it(loop):
    seen = {run(loop, "GET", "/leak/").body for _ in range(3)}
    assert seen == {b"nothing en UTC"}


def test_requests_run_at_once(loop):
    views = [loop.begin(head_of("GET", "/meets/")) for _ in range(AT_ONCE)]
    assert {view.result(30).body for view in views} == {b"nothing"}


def test_sync_views_have_a_thread_for_each_request(loop):
    views = [loop.begin(head_of("GET", "/meets-in-threads/")) for _ in range(THREADS_AT_ONCE)]
    assert {view.result(30).status for view in views} == {200}


# Cookies, CSRF, paths.


def test_the_next_request_is_not_alice(loop):
    assert ("Set-Cookie", "user=alice; Path=/") in run(loop, "GET", "/cookie/").headers
    assert json.loads(run(loop, "GET", "/echo/").body)["cookies"] == {}


def test_csrf_is_checked(loop):
    assert run(loop, "POST", "/echo/").status == 403
    token = run(loop, "GET", "/cookie/").body.decode()
    headers = (("X-CSRFToken", token), ("Cookie", f"csrftoken={token}"))
    assert run(loop, "POST", "/echo/", *headers).status == 200


def test_cookie_headers_are_joined(loop):
    headers = (("Cookie", "a=1"), ("Cookie", "b=2"))
    seen = json.loads(run(loop, "GET", "/echo/", *headers).body)
    assert seen["cookies"] == {"a": "1", "b": "2"}


def test_reverse_knows_the_prefix_and_forgets_it(loop):
    under = json.loads(run(loop, "GET", "/sub/echo/", root="/sub").body)
    assert (under["reverse"], under["path"]) == ("/sub/echo/", "/sub/echo/")
    assert json.loads(run(loop, "GET", "/echo/").body)["reverse"] == "/echo/"


def test_a_path_is_not_taken_for_a_host(loop):
    assert run(loop, "GET", "//evil/ok/").status == 200
    assert run(loop, "GET", "/ok/").status == 404


def test_a_body_arrives(loop, settings):
    settings.MIDDLEWARE = []
    fresh = LoopInThread()
    headers = (("Content-Type", "application/json"), ("Content-Length", "4"))
    seen = json.loads(run(fresh, "POST", "/echo/", *headers, body=b"body").body)
    assert (seen["content_type"], seen["body"]) == ("application/json", "body")
    seen = run(fresh, "POST", "/echo/", ("Content-Type", "application/json"))
    assert json.loads(seen.body)["content_type"] == "application/json"
    fresh.close()


# Exceptions.


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", ["raises", "raises-async"])
def test_whatever_a_view_raises_is_a_500(loop, kind, name, caplog):
    taker = run(loop, "GET", f"/{kind}/{name}/")
    assert (taker.status, taker.outcome) == (500, "answered")
    assert b"on purpose" not in taker.body
    assert "on purpose" in caplog.text
    assert run(loop, "GET", "/echo/").status == 200


def test_a_receiver_that_raises_is_a_500_and_logged_once(loop, receive, caplog):
    def fails(**kwargs):
        raise ValueError("on purpose")

    receive(request_started, fails)
    assert run(loop, "GET", "/echo/").status == 500
    assert [record.name for record in caplog.records if record.exc_info] == ["queueproxy.worker"]


def test_middleware_that_returns_nothing_is_a_500(loop):
    assert run(loop, "GET", "/echo/?nothing").status == 500
    assert run(loop, "GET", "/echo/").status == 200


def test_the_exception_page_in_debug_mode(loop, settings):
    settings.DEBUG = True
    assert b"on purpose" in run(loop, "GET", "/raises/ValueError/").body


# Signals and closing.

ENDINGS = {
    "plain": ("GET", "/echo/"),
    "stream": ("GET", "/stream/"),
    "async stream": ("GET", "/stream-async/"),
    "head": ("HEAD", "/echo/"),
    "head of a stream": ("HEAD", "/stream/"),
    "view raises": ("GET", "/raises/ValueError/"),
    "view exits": ("GET", "/raises/SystemExit/"),
    "stream raises": ("GET", "/stream/?raise=ValueError"),
    "async stream raises": ("GET", "/stream-async/?raise=ValueError"),
    "unusable": ("GET", "/bad/"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_signals_are_sent_once(loop, receive, ending):
    sent = []
    receive(request_started, lambda **kwargs: sent.append("started"))
    receive(request_finished, lambda **kwargs: sent.append("finished"))
    taker = run(loop, *ENDINGS[ending])
    assert taker.outcome == ("bad_response" if ending == "unusable" else "answered")
    assert sent == ["started", "finished"]


def test_signals_come_from_djangos_own_handler(loop, receive):
    seen = []
    for signal in (request_started, request_finished):
        receive(
            signal,
            lambda signal, sender, **kwargs: seen.append((signal, sender)),
            sender=ASGIHandler,
        )
    run(loop, "GET", "/echo/")
    assert seen == [(request_started, ASGIHandler), (request_finished, ASGIHandler)]


def test_receivers_get_what_a_server_gives_them(loop, receive):
    seen = {}
    receive(request_started, lambda sender, scope, **kwargs: seen.update(scope))
    run(loop, "GET", "/echo/?a=1")
    assert (seen["path"], seen["query_string"]) == ("/echo/", b"a=1")


def test_the_answer_goes_before_slow_receivers(loop, receive):
    def closes(**kwargs):
        wait_until(lambda: "settled" in events, "the answer has gone")
        events.append("closed")

    receive(request_finished, closes)
    assert run(loop, "GET", "/echo/").status == 200
    assert events[-2:] == ["settled", "closed"]


def test_a_receiver_that_raises_at_the_end_is_logged(loop, receive, caplog):
    def fails(**kwargs):
        raise SystemExit("on purpose")

    receive(request_finished, fails)
    assert run(loop, "GET", "/echo/").status == 200
    assert "Closing a response failed" in caplog.text
    assert run(loop, "GET", "/echo/").status == 200


# Database connections.


@pytest.fixture
def database(tmp_path, monkeypatch, django_db_blocker):
    """A file of this test's own, for threads other than this one."""
    sqlite = {**connections.settings["default"], "NAME": str(tmp_path / "db"), "CONN_MAX_AGE": 0}
    monkeypatch.setitem(connections.settings, "default", sqlite)
    with django_db_blocker.unblock():
        yield sqlite


def test_connections_are_closed_with_their_request(loop, database, receive):
    left = []
    receive(request_finished, lambda **kwargs: left.append(connections["default"].connection))
    for _ in range(3):
        assert run(loop, "GET", "/query/").body == b"usable"
    assert left == [None] * 3


# Streams.


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_a_stream_goes_out_piece_by_piece(loop, path):
    taker = run(loop, "GET", path)
    assert len(taker.chunks) == 3
    assert (taker.outcome, taker.aborted) == ("answered", False)


def test_an_endless_sync_stream_is_not_read_ahead(loop):
    taker = run(loop, "GET", "/stream/?count=1000000000", taker=AsyncTaker(leaves_after=4))
    assert taker.outcome == "abandoned"
    assert len(taker.chunks) < 10
    # Closed by Django: outside of the view, or, by 6.1, in its context.
    assert events[-2] in ("view's finally sees nothing", "view's finally sees its own")
    assert events[-1] == "settled"


def test_a_client_that_leaves_an_endless_async_stream(loop):
    taker = run(loop, "GET", "/stream-async/?count=1000000000", taker=AsyncTaker(leaves_after=4))
    assert taker.outcome == "abandoned"
    assert len(taker.chunks) < 10
    assert events[-2:] == ["view's finally", "settled"]


def test_a_client_that_leaves_a_view_that_waits(loop):
    taker = AsyncTaker()
    view = loop.begin(head_of("GET", "/waits/"), b"", taker)
    wait_until(lambda: "waits" in events, "the view waits")
    loop.loop.call_soon_threadsafe(lambda: taker.client.told(0, left=True))
    assert cancelled.wait(SOON)
    assert view.result(20).outcome == "abandoned"
    assert events == ["waits", "view is cancelled", "settled"]


def test_a_client_that_leaves_a_silent_stream(loop):
    taker = AsyncTaker()
    view = loop.begin(head_of("GET", "/silent/"), b"", taker)
    wait_until(lambda: taker.body == b"first", "the stream has begun")
    loop.loop.call_soon_threadsafe(lambda: taker.client.told(0, left=True))
    assert cancelled.wait(SOON)
    assert view.result(20).outcome == "abandoned"


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", ["stream", "stream-async"])
def test_a_stream_that_raises_is_broken_off(loop, kind, name, caplog):
    taker = run(loop, "GET", f"/{kind}/?raise={name}")
    assert (taker.status, taker.aborted, len(taker.chunks)) == (200, True, 3)
    assert "A streamed answer broke off" in caplog.text
    assert run(loop, "GET", "/echo/").status == 200


@pytest.mark.parametrize(("length", "aborted"), [(6, False), (5, True), (7, True), (0, True)])
def test_a_stream_that_declared_another_length(loop, length, aborted):
    taker = run(loop, "GET", f"/stream/?length={length}")
    assert taker.aborted is aborted
    assert len(taker.body) <= length


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_head_does_not_read_a_stream(loop, path):
    taker = run(loop, "HEAD", path)
    assert (taker.body, taker.outcome, taker.aborted) == (b"", "answered", False)
    assert "chunk" not in events


# One loop for the life of the process.


def test_a_client_of_the_module_is_used_again_and_again(loop):
    assert {run(loop, "GET", "/module-client/").body for _ in range(4)} == {b"answer"}


def test_a_task_lives_on_after_the_answer(loop):
    assert run(loop, "GET", "/leaves-a-task/").body == b"before"
    wait_until(lambda: "task has ended" in events, "it ends by itself")


# Agents stand in the place of ``ASGIHandler.__call__``.


@pytest.fixture
def watch(monkeypatch):
    def put(agent):
        monkeypatch.setattr(ASGIHandler, "__call__", agent)

    return put


def test_headers_of_an_agent_go_to_the_client(loop, watch):
    async def agent(self, scope, receive, send):
        async def send_more(message):
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"X-Agent", b"here")]
                message = {**message, "headers": headers}
            await send(message)

        await STOCK_CALL(self, scope, receive, send_more)

    watch(agent)
    taker = run(loop, "GET", "/cookie/")
    assert ("X-Agent", "here") in taker.headers
    assert ("Set-Cookie", "user=alice; Path=/") in taker.headers


@pytest.mark.parametrize("pieces", [[b"not ", b"you"], [b"not you"], [b""]])
def test_an_agent_may_answer_by_itself(loop, watch, pieces):
    async def firewall(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 403, "headers": []})
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    watch(firewall)
    taker = run(loop, "GET", "/echo/")
    assert (taker.status, taker.body, taker.aborted) == (403, b"".join(pieces), False)


def test_an_agent_that_never_answers(loop, watch, caplog):
    async def nothing(self, scope, receive, send):
        pass

    watch(nothing)
    assert run(loop, "GET", "/echo/").status == 500
    assert "without the end of its answer" in caplog.text


@pytest.mark.parametrize("status", [99, 600, "OK"])
def test_an_answer_of_an_agents_making_that_can_not_be_sent(loop, watch, status):
    async def agent(self, scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": False})

    watch(agent)
    assert run(loop, "GET", "/echo/").outcome == "bad_response"


def test_an_agent_that_fails_does_not_take_the_answer_with_it(loop, watch, caplog):
    async def agent(self, scope, receive, send):
        await STOCK_CALL(self, scope, receive, send)
        raise RuntimeError("a fault of the agent")

    watch(agent)
    taker = run(loop, "GET", "/echo/")
    assert taker.status == 200
    assert "a fault of the agent" in caplog.text
