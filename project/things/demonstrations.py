"""Pages that show how a request fares: slow, failing, in part, and as the view sees it."""

import math
import os
import threading
import time
from pathlib import Path

from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from queueproxy.policy import policy

from .models import Thing
from .ranges import file_response

SLOWEST = 120.0  # seconds
DOWNLOAD = Path(__file__).parent / "static" / "things" / "terms.txt"
PIECE = 64 * 1024  # bytes


@policy(queue="low")
@require_safe
def download(request):
    """A file, whole or in part."""
    content_type = "text/plain; charset=utf-8"
    return file_response(request, DOWNLOAD, filename="terms.txt", content_type=content_type)


@require_safe
def slow(request):
    """A page that takes as long as it is asked to (``?seconds=``); 400 where that is no time."""
    seconds = _seconds(request.GET.get("seconds", "1"))
    context = {"slowest": f"{SLOWEST:g}"}
    if seconds is None:
        context["problem"] = f"Seconds must be a number from 0 to {SLOWEST:g}."
        return render(request, "things/slow.html", context, status=400)
    time.sleep(seconds)
    return render(request, "things/slow.html", context | {"seconds": f"{seconds:g}"})


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    return seconds if 0 <= seconds <= SLOWEST else None


def error(request):
    """A page that fails."""
    raise RuntimeError("This page always fails.")


@never_cache
@csrf_exempt  # it changes nothing, so any body may be tried on it
def show_request(request):
    """The request as the view sees it, as a page or (``?format=json``) as JSON."""
    seen = {
        "method": request.method,
        "path": request.path,
        "full_path": request.get_full_path(),
        "url": request.build_absolute_uri(),
        "scheme": request.scheme,
        "body_bytes": _body_size(request),
        "process": os.getpid(),
        "thread": threading.current_thread().name,
        "headers": dict(request.headers),
        "cookies": request.COOKIES,
        "meta": {k: v for k, v in sorted(request.META.items()) if isinstance(v, str)},
    }
    if request.GET.get("format") == "json":
        return JsonResponse(seen)
    tables = [("Headers", seen["headers"]), ("Cookies", seen["cookies"]), ("META", seen["meta"])]
    rest = {key: value for key, value in seen.items() if not isinstance(value, dict)}
    context = {"tables": [("Request", rest), *tables]}
    return render(request, "things/request.html", context)


def _body_size(request) -> int:
    """Bytes of the body, read in pieces: a large one is counted and never kept."""
    return sum(len(piece) for piece in iter(lambda: request.read(PIECE), b""))


async def asynchronous(request):
    """An async view."""
    return JsonResponse(
        {"async": True, "path": request.path, "things": await Thing.objects.acount()}
    )
