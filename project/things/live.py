"""The live page: who is adding things now, by server-sent events (HTML, 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from queueproxy.policy import policy

from .models import Thing

SHOWN = 10  # things of the page as it is opened
MOST = 50  # of one look; the rest follows with the next
LOOK_EVERY = 1.0  # seconds
STAY = 20.0  # seconds; by then a deploy has waited long enough
RETRY = 2000  # milliseconds until the browser comes again by itself


@require_safe
def show(request):
    """The things that were added last, newest first; the browser is told of those that follow."""
    things = list(Thing.objects.settled().select_related("added_by").order_by("-pk")[:SHOWN])
    last = things[0].pk if things else 0
    return render(request, "things/live.html", {"things": things, "last": last})


@policy(queue="low")
@require_safe
async def events(request):
    """An event for each thing after the last one seen (Last-Event-ID, or ``?after=`` at first).

    The id of an event is the thing's own, so that nothing is missed between two streams, whichever
    worker serves them. With ``runqueueworker --async`` a stream costs next to nothing and stays
    open for a while. On a worker's thread it looks once and ends, and the browser comes again in
    two seconds: a thread that waits for news is one that the whole site lacks, and `make run`
    has two.
    """
    on_event_loop = hasattr(request, "scope")
    return StreamingHttpResponse(
        _stream(_last_seen(request), STAY if on_event_loop else 0),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


def _last_seen(request: HttpRequest) -> int:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    # Eighteen digits are more than there will be things, and fit into the database's number.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


async def _stream(last: int, stay: float) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    end = clock() + stay
    yield f"retry: {RETRY}\n\n"
    while True:
        new = Thing.objects.settled().filter(pk__gt=last).select_related("added_by")
        async for thing in new.order_by("pk")[:MOST]:
            last = thing.pk
            yield f"id: {last}\ndata: {json.dumps(_addition(thing))}\n\n"
        if clock() + LOOK_EVERY > end:
            return
        await asyncio.sleep(LOOK_EVERY)


def _addition(thing: Thing) -> dict:
    return {
        "name": thing.name,
        "by": thing.added_by.get_username() if thing.added_by else "",
        "at": thing.created.isoformat(),
        "url": thing.get_absolute_url(),
        "image": thing.image.url if thing.image else "",
    }
