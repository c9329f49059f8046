"""A site for the executor's tests, one view a trap; and what takes answers as a worker would."""

import asyncio
import contextvars
import threading

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path, re_path, reverse
from django.utils import timezone, translation

from queueproxy.envelopes import Envelope, RequestHead
from queueproxy.exceptions import ClientGone

variable = contextvars.ContextVar("variable", default="nothing")
events: list[str] = []  # what happened, in order; tests empty it
ticks: list[int] = []
meeting = threading.Barrier(2, timeout=20)
RAISED = {
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "MemoryError": MemoryError,
    "RecursionError": RecursionError,
    "ValueError": ValueError,
}


class Taker:
    """Takes one answer, as Reply does; the client may leave after so many bytes."""

    def __init__(self, leaves_after: int | None = None):
        self._leaves_after = leaves_after
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        self.ended = ""

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def take(self, exchange):
        answer = exchange.answer()
        self.status, self.headers = answer.status, answer.headers
        if answer.body is not None:
            self.chunks.append(answer.body)
            self.ended = "full"
            return
        try:
            self.ended = "end" if exchange.stream(self.chunk) else "abort"
        except ClientGone:
            pass

    def chunk(self, data):
        events.append(f"chunk on {threading.current_thread().name}")
        self.chunks.append(data)
        if self._leaves_after is not None and len(self.body) >= self._leaves_after:
            raise ClientGone


def answered(executor, head: RequestHead, body: bytes, taker: Taker) -> Taker:
    """Run one request as an executor thread does: respond, take, close."""
    exchange = executor.respond(Envelope(head, body))
    try:
        taker.take(exchange)
        events.append("taken")
    finally:
        exchange.close()
    return taker


def head_of(method: str, path: str, *headers, root="", body=b"") -> RequestHead:
    """A request's head as a front writes it."""
    raw, _, query = path.partition("?")
    return RequestHead(
        id="1",
        request_id="request-1",
        method=method,
        path=raw,
        query=query,
        headers=[("Host", "localhost"), *headers],
        scheme="http",
        http_version="1.1",
        front="front",
        queue="default",
        hold_ms=60_000,
        max_attempts=1,
        sent=0,
        root_path=root,
        client=("127.0.0.1", 1),
        server=("127.0.0.1", 80),
        body_size=len(body),
    )


class CountingMiddleware:
    """Counts how often it was made, and how often it saw a view."""

    made = 0
    seen = 0

    def __init__(self, get_response):
        type(self).made += 1
        self._get_response = get_response

    def __call__(self, request):
        return self._get_response(request)

    def process_view(self, request, *args):
        type(self).seen += 1


class NothingMiddleware(CountingMiddleware):
    """Forgets to return the response, where asked to."""

    def __call__(self, request):
        response = self._get_response(request)
        return None if "nothing" in request.GET else response


def echo(request, **kwargs):
    return JsonResponse(
        {
            "path": request.path,
            "cookies": request.COOKIES,
            "content_type": request.content_type,
            "body": request.body.decode("latin-1"),
            "reverse": reverse("echo"),
        }
    )


def set_cookie(request):
    response = HttpResponse(get_token(request))
    response.set_cookie("user", "alice")
    return response


def raises(request, name):
    raise RAISED[name]("on purpose")


async def raises_async(request, name):
    raise RAISED[name]("on purpose")


def meet(request):
    """Two of these run at once; the one asked to raises while the other is inside."""
    meeting.wait()
    try:
        if "raise" in request.GET:
            raise ValueError("on purpose")
    finally:
        meeting.wait()
    return HttpResponse("calm")


def leak(request):
    """What was left here by the last request of this thread; and something for the next."""
    before = [variable.get(), translation.get_language(), timezone.get_current_timezone_name()]
    variable.set("left")
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    return HttpResponse(" ".join(before))


def query(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("usable" if connection.is_usable() else "not")


def stream(request):
    name = request.GET.get("raise")

    def pieces():
        try:
            for n in range(int(request.GET.get("count", 3))):
                yield f"{n} ".encode()
            if name:
                raise RAISED[name]("on purpose")
        finally:
            events.append(f"view's finally sees {variable.get()}")
            if "late" in request.GET:
                raise ValueError("on purpose, at the end")

    variable.set("its own")
    response = StreamingHttpResponse(pieces())
    if "length" in request.GET:
        response["Content-Length"] = request.GET["length"]
    return response


async def stream_async(request):
    name = request.GET.get("raise")

    async def pieces():
        try:
            for n in range(int(request.GET.get("count", 3))):
                thread = await sync_to_async(threading.current_thread)()
                yield f"{thread.name} {n} "
                await asyncio.sleep(0)
            if name:
                raise RAISED[name]("on purpose")
        finally:
            events.append("view's finally")
            if "late" in request.GET:
                raise ValueError("on purpose, at the end")

    return StreamingHttpResponse(pieces())


async def ticking(request):
    """Streams while a task of its own counts."""

    async def pieces():
        task = asyncio.create_task(tick())
        yield b"x"
        task.cancel()

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.001)

    return StreamingHttpResponse(pieces())


def bad(request):
    return HttpResponse("never seen", headers={"Content-Length": "1"})


class OwnClose(HttpResponse):
    def close(self):
        super().close()


class Odd:
    """Just enough for Django to let it pass."""

    status_code = 200

    def __init__(self):
        self._resource_closers = []

    @property
    def streaming(self):
        raise ValueError("on purpose")


def closes(request, how):
    """Responses that do something of their own when they are closed."""
    response = {"class": OwnClose, "odd": Odd}.get(how, HttpResponse)()
    if how == "resource":
        response._resource_closers.append(lambda: events.append("resource"))
    if how == "object":
        response.close = lambda: events.append("object")
    return response


def files(request):
    return HttpResponse(request.FILES["f"].read())


def a_file(request):
    return FileResponse((settings.MEDIA_ROOT / "file").open("rb"))


urlpatterns = [
    path("a-file/", a_file),
    path("closes/<how>/", closes),
    path("files/", files),
    path("echo/", echo, name="echo"),
    re_path(r"^/evil/ok/$", echo),
    path("cookie/", set_cookie),
    path("raises/<name>/", raises),
    path("raises-async/<name>/", raises_async),
    path("meet/", meet),
    path("leak/", leak),
    path("query/", query),
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("ticking/", ticking),
    path("bad/", bad),
]
