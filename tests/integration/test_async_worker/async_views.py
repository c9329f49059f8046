"""Asynchronous views for the tests of a worker with an event loop, in the tests' own process."""

import asyncio
import hashlib
import io
import time

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

from ..test_worker import views

FOR_LONG = 60.0  # seconds; a test ends it sooner


async def hang(request, nonce):
    views.state.runs.append(nonce)
    try:
        await asyncio.sleep(FOR_LONG)
    finally:
        views.state.closed += 1


async def block(request, nonce):
    """Keep the loop from everybody."""
    views.state.runs.append(nonce)
    time.sleep(float(request.GET["seconds"]))  # noqa: ASYNC251
    return HttpResponse(nonce)


async def stream(request, size, count):
    async def pieces():
        try:
            for _ in range(count):
                views.state.made += 1
                yield b"x" * size
            await asyncio.sleep(float(request.GET.get("silent", 0)))
        finally:
            views.state.closed += 1

    return StreamingHttpResponse(pieces(), content_type=request.GET.get("type", "text/plain"))


async def digest(request, number):
    """Tell what came as the body, and its length as declared."""
    views.state.runs.append(request.META["CONTENT_LENGTH"])
    return HttpResponse(hashlib.sha256(request.read()).hexdigest())


def file(request, size):
    """A file of known length, whose bytes no view makes."""
    return FileResponse(io.BytesIO(b"x" * size), filename="x")


urlpatterns = [
    path("hang/<nonce>/", hang),
    path("block/<nonce>/", block),
    path("b<int:number>", digest),
    path("file/<int:size>/", file),
    path("async/<int:size>/<int:count>/", stream),
    *views.urlpatterns,
]
