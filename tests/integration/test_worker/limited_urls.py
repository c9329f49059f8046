"""A view that may run only so many times at once, and sees to it itself.

It needs one of so many places: files that it locks while it runs. The kernel frees them when a
process dies, and so early that whoever waits for that end finds them free.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.http import HttpResponse
from django.urls import path

from queueproxy.keys import Keys
from queueproxy.records import Lease, parse
from tests.acceptance.probe.urls import note, run

PLACES = Path(os.environ["LIMITED_PLACES"])  # a file for each, and one for what must not be
VIOLATIONS = "violations"


def limited(request, nonce):
    note(request, nonce)
    _look_at_leases(request.GET["group"])
    with _place():
        time.sleep(float(request.GET["seconds"]))
    return HttpResponse(nonce)


@contextmanager
def _place() -> Iterator[None]:
    files = [file.open() for file in PLACES.glob("place*")]
    try:
        if not any(map(_lock, files)):
            _violation("more run at once than may")
        yield
    finally:
        for file in files:
            file.close()


def _lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _look_at_leases(group: str) -> None:
    """How many of the group the broker has, beside this one."""
    with redis.Redis.from_url(os.environ["QUEUEPROXY_BROKER_URL"], protocol=2) as client:
        leases = client.hgetall(Keys("queueproxy").leases).values()
    number = sum(parse(Lease, lease).group == group for lease in leases)
    if number > len(list(PLACES.glob("place*"))):
        _violation(f"{number} leases at once")


def _violation(words: str) -> None:
    with (PLACES / VIOLATIONS).open("a") as file:
        file.write(f"{words}\n")


urlpatterns = [path("limited/<nonce>/", limited), path("run/<nonce>/", run)]
