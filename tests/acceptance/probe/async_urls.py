"""Async views that leave lines in the ledger: what they run, and when their client has gone."""

import asyncio
import os
import time

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from .urls import note, run


def note_end(nonce: str, how: str) -> None:
    """Write down that a view or stream was told to end, and when (the system's monotonic)."""
    file = os.open(os.environ["PROBE_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, f"{nonce}-{how} {time.monotonic()}\n".encode())
    os.close(file)


async def wait(request, nonce):
    note(request, nonce)
    try:
        await asyncio.sleep(float(request.GET.get("seconds", 0)))
    except asyncio.CancelledError:
        note_end(nonce, "cancelled")
        raise
    return HttpResponse(nonce)


async def events(request, nonce):
    """Server-sent events: every so many seconds, numbered, with the time they were made."""
    note(request, nonce)
    every = float(request.GET.get("every", 1))
    number = int(request.headers.get("Last-Event-ID", 0))

    async def pieces():
        sent = number
        try:
            yield ": begins\n\n"
            while True:
                await asyncio.sleep(every - time.monotonic() % every)
                sent += 1
                yield f"id: {sent}\ndata: {time.monotonic()}\n\n"
        finally:
            note_end(nonce, "closed")

    return StreamingHttpResponse(pieces(), content_type="text/event-stream")


urlpatterns = [
    path("run/<nonce>/", run),
    path("wait/<nonce>/", wait),
    path("events/<nonce>/", events),
]
