"""Views that tell which trace they run in."""

import os

from django.http import HttpResponse
from django.urls import path
from opentelemetry import trace

from .async_urls import wait
from .urls import die, note, run, runs, stream


def traced(request, nonce):
    """The context that came with the request; a span of the project's own."""
    note(request, nonce)
    with trace.get_tracer("project").start_as_current_span("work"):
        return HttpResponse(request.headers.get("traceparent", ""))


async def traced_async(request, nonce):
    return traced(request, nonce)


def die_once(request, nonce):
    note(request, nonce)
    if runs(nonce) == 1:
        os.kill(os.getpid(), 9)
    return HttpResponse(nonce)


urlpatterns = [
    path("traced/<nonce>/", traced),
    path("traced-async/<nonce>/", traced_async),
    path("die-once/<nonce>/", die_once),
    path("die/<nonce>/", die),
    path("run/<nonce>/", run),
    path("wait/<nonce>/", wait),
    path("stream/<nonce>/", stream),
]
