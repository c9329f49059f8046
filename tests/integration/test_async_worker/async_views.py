"""Asynchronous views for the tests of a worker with an event loop, in the tests' own process."""

import asyncio
import time

from django.http import HttpResponse, StreamingHttpResponse
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

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("hang/<nonce>/", hang),
    path("block/<nonce>/", block),
    path("async/<int:size>/<int:count>/", stream),
    *views.urlpatterns,
]
