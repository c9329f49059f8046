"""Views that prove what they saw: nonce, checksum and cookie come back in the answer."""

import asyncio
import hashlib
import os
import random
import time

from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from queueproxy.policy import policy

from ..users import PIECES, piece
from . import forks, mishap
from .note import note

SECONDS, WEIGHTS = (0, 0.002, 0.01, 0.05, 1.5), (60, 15, 15, 10, 4)
ONCE_WEIGHTS = (60, 15, 15, 10, 1)
LIMITED_SECONDS = 0.2
CLEARED_FOR = 1.0  # seconds a view runs on that has cleared a cache


def run(request, nonce):
    token = note(nonce)
    mishap.at("view")
    time.sleep(_seconds(request))
    return _proof(request, nonce, token)


def _proof(request, nonce, token):
    digest = hashlib.sha256(request.body).hexdigest()
    user = request.COOKIES.get("user", "")
    response = HttpResponse(f"{nonce} {digest} {user}")
    response["X-Nonce"] = nonce
    response["X-Token"] = token
    response.set_cookie("user", user)
    return response


def _once_seconds() -> float:
    """How long it takes what happens once: on SQLite, where all others wait for it, not long."""
    if connection.vendor == "sqlite":
        return random.choice((0, 0, 0, 0.005))
    return random.choices(SECONDS, ONCE_WEIGHTS)[0]


def _seconds(request) -> float:
    if "seconds" in request.GET:
        return float(request.GET["seconds"])
    return random.choices(SECONDS, WEIGHTS)[0]


def stream(request, nonce):
    token = note(nonce)
    mishap.at("view")
    repeat = int(request.GET.get("repeat", 300))
    silence = float(request.GET.get("silent", 0))

    def pieces():
        for number in range(PIECES):
            time.sleep(silence if number == PIECES // 2 else 0)
            yield piece(nonce, number, repeat)
            mishap.at("frames")
        yield f"end {nonce}".encode()

    return StreamingHttpResponse(pieces(), headers={"X-Nonce": nonce, "X-Token": token})


async def run_async(request, nonce):
    """The same, without a thread of its own."""
    token = note(nonce)
    mishap.at("view")
    await asyncio.sleep(_seconds(request))
    return _proof(request, nonce, token)


async def stream_async(request, nonce):
    """The same, without a thread of its own."""
    token = note(nonce)
    mishap.at("view")
    repeat = int(request.GET.get("repeat", 300))
    silence = float(request.GET.get("silent", 0))

    async def pieces():
        for number in range(PIECES):
            await asyncio.sleep(silence if number == PIECES // 2 else 0)
            yield piece(nonce, number, repeat)
            mishap.at("frames")
        yield f"end {nonce}".encode()

    return StreamingHttpResponse(pieces(), headers={"X-Nonce": nonce, "X-Token": token})


def fork(request, nonce):
    """Fork a child; it may come back from here, and must answer nobody."""
    token = note(nonce)
    mishap.at("view")
    forks.WAYS[request.GET["how"]]()
    return _proof(request, nonce, token)


def clear(request, nonce):
    """Use a cache of the project, and empty it."""
    token = note(nonce)
    cache = caches[request.GET["cache"]]
    cache.set("used", nonce)
    cache.clear()
    time.sleep(CLEARED_FOR)
    return _proof(request, nonce, token)


@policy(at_most=2)
def limited(request, nonce):
    """Run at most so many times at once: see apps.py; `recount` looks whether it is so."""
    token = note(nonce)
    mishap.at("view")
    time.sleep(LIMITED_SECONDS)
    return _proof(request, nonce, token)


@policy(exactly_once=True)
def once(request, nonce):
    """Do something in the database that must be done once."""
    token = note(nonce)
    mishap.at("view")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects VALUES (%s, %s)", [nonce, token])
    mishap.at("written")
    time.sleep(_once_seconds())
    mishap.at("written")
    if "fail" in request.GET:
        raise ValueError("on purpose")
    return _proof(request, nonce, token)


ASYNC = "CHAOS_ASYNC" in os.environ
urlpatterns = [
    path("limited/<nonce>/", limited),
    path("run/<nonce>/", run_async if ASYNC else run),
    path("stream/<nonce>/", stream_async if ASYNC else stream),
    path("fork/<nonce>/", fork),
    path("clear/<nonce>/", clear),
]
if "CHAOS_DATABASE" in os.environ:
    urlpatterns.append(path("once/<nonce>/", once))
