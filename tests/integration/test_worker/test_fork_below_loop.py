"""Coroutines that fork, and views that fork below one: the child ends where it comes back.

There it would wait for a thread or an event loop of its parent's, for good.
"""

import os
import signal

import pytest

from ...kit.proc import children, is_alive
from ...kit.waiting import wait_until
from .. import conftest as integration
from .test_fork import (
    URLS,
    body,
    ended,
    held,
    see_a_child_end,
    serves_on,
    told,
)

client = integration.client  # of processes, not of a thread


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/coroutine/return/x/", "ended with 0"),
        ("/coroutine/exit/x/", "ended with 3"),
        ("/coroutine/fail/x/", "ended with 1"),
        ("/coroutine/wait/x/", "ended with 1"),
        ("/coroutine/return/x/?task", "ended with 0"),
        ("/coroutine/exit/x/?task", "ended with 3"),
        ("/coroutine/fail/x/?task", "ended with 1"),
        ("/in-pool/x/", "ended with 0"),
        ("/in-async-stream/go-on/x/", "first, ended with 0"),
        ("/in-async-stream/end/x/", "first, ended with 0"),
        ("/in-async-stream/exit/x/", "first, ended with 3"),
    ],
)
async def test_a_coroutines_child_ends_and_its_parent_serves_on(workers, client, path, answer):
    await see_a_child_end(workers, client, path, answer)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/leave/x/?status=7", "ended with 7"),
        ("/come-back/x/", "ended with 0"),
        ("/fail/x/", "ended with 1"),
        ("/coroutine/exit/x/", "ended with 3"),
        ("/run/x/?fork=return", "ended with 0"),
        ("/run/x/?fork=exit", "ended with 3"),
    ],
)
async def test_a_child_below_asynchronous_middleware(workers, client, path, answer):
    supervisor = workers.start(**URLS, ASYNC_MIDDLEWARE="1")
    (pid,) = workers.pids()
    assert await body(client, path) == answer
    await serves_on(workers, client, supervisor)
    assert children(pid) == []


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
