"""A view for each way that a request can go."""

import os
import signal

from django.conf import settings
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

from . import recorder

PAGE = "<!DOCTYPE html><html><head><title>Page</title></head><body>%s</body></html>"


class ProbeError(Exception):
    """What failing views raise."""


def ok(request):
    return HttpResponse("ok", content_type="text/plain")


def page(request):
    return HttpResponse(PAGE % "page")


def error(request):
    raise ProbeError("error")


def named(request, user):
    recorder.name_user(user)
    return HttpResponse(user, content_type="text/plain")


def named_error(request, user):
    recorder.name_user(user)
    raise ProbeError(user)


def stream(request):
    return StreamingHttpResponse((b"%d\n" % n for n in range(3)), content_type="text/plain")


def streamed_page(request):
    return StreamingHttpResponse(iter((PAGE % "streamed page").partition("<body>")))


def stream_error(request, user):
    def pieces():
        yield b"one\n"
        raise ProbeError(user)

    recorder.name_user(user)
    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def in_async(request):
    return HttpResponse("async", content_type="text/plain")


async def async_error(request, user):
    recorder.name_user(user)
    raise ProbeError(user)


async def async_stream(request):
    async def pieces():
        for n in range(3):
            yield b"%d\n" % n

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def async_stream_error(request, user):
    async def pieces():
        yield b"one\n"
        raise ProbeError(user)

    recorder.name_user(user)
    return StreamingHttpResponse(pieces(), content_type="text/plain")


def file(request):
    return FileResponse((settings.DIRECTORY / "file").open("rb"), content_type="text/plain")


def repeated(request):
    """Ends its process by force at the first call, where that is asked for."""
    recorder.name_user("the-first-attempt")
    try:
        (settings.DIRECTORY / "kill").unlink()
    except FileNotFoundError:
        pass
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    recorder.name_user("the-second-attempt")
    return HttpResponse("repeated", content_type="text/plain")


urlpatterns = [
    path("ok/", ok),
    path("page/", page),
    path("error/", error),
    path("named/<user>/", named),
    path("named/<user>/error/", named_error),
    path("stream/", stream),
    path("stream/page/", streamed_page),
    path("stream/<user>/error/", stream_error),
    path("async/", in_async),
    path("async/<user>/error/", async_error),
    path("async/stream/", async_stream),
    path("async/stream/<user>/error/", async_stream_error),
    path("file/", file),
    path("repeated/", repeated),
]
