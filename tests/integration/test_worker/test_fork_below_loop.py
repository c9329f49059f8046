"""Coroutines that fork, and views that fork below one: the child ends where it comes back.

There it would wait for a thread or an event loop of its parent's, for good.
"""

import os
import signal

from ...kit.proc import is_alive
from ...kit.waiting import wait_until
from .. import conftest as integration
from .test_fork import (
    URLS,
    body,
    ended,
    held,
    see_children_end,
    told,
)

client = integration.client  # of processes, not of a thread


OF_COROUTINES = {
    "/coroutine/return/x/": "ended with 0",
    "/coroutine/exit/x/": "ended with 3",
    "/coroutine/fail/x/": "ended with 1",
    "/coroutine/wait/x/": "ended with 1",
    "/coroutine/return/x/?task": "ended with 0",
    "/coroutine/exit/x/?task": "ended with 3",
    "/coroutine/fail/x/?task": "ended with 1",
    "/in-pool/x/": "ended with 0",
    "/in-async-stream/go-on/x/": "first, ended with 0",
    "/in-async-stream/end/x/": "first, ended with 0",
    "/in-async-stream/exit/x/": "first, ended with 3",
}
BELOW_ASYNC_MIDDLEWARE = {
    "/leave/x/?status=7": "ended with 7",
    "/come-back/x/": "ended with 0",
    "/fail/x/": "ended with 1",
    "/coroutine/exit/x/": "ended with 3",
    "/run/x/?fork=return": "ended with 0",
    "/run/x/?fork=exit": "ended with 3",
}


async def test_coroutines_children_end_and_their_parent_serves_on(workers, client):
    await see_children_end(workers, client, OF_COROUTINES)


async def test_children_below_asynchronous_middleware(workers, client):
    await see_children_end(workers, client, BELOW_ASYNC_MIDDLEWARE, ASYNC_MIDDLEWARE="1")


async def test_what_a_coroutines_child_says_last_is_heard(workers, client):
    supervisor = workers.start(**URLS)
    await body(client, "/coroutine/return/x/")
    assert len(told(supervisor, "came back out of its view")) == 1


async def test_a_lasting_child_of_a_coroutine_holds_nothing_and_ends_nobody(workers, client):
    supervisor = workers.start(**URLS)
    (pid,) = workers.pids()
    child = int(await body(client, "/lasting/x/"))
    try:
        wait_until(lambda: not held(child) & held(pid))
        supervisor.terminate()
        assert ended(supervisor) == 0
        assert is_alive(child)
        assert not workers.pids()
    finally:
        os.kill(child, signal.SIGKILL)
