"""How worker processes end: exit handlers run, for as long as the graceful timeout has left."""

import os
import signal
import time
from pathlib import Path

import pytest

from ...kit.proc import children, is_alive
from ...kit.waiting import wait_until
from .. import conftest as integration
from .worker_site import ended, kill, once_started, told

client = integration.client  # of processes, not of a thread

URLS = {"PROBE_URLCONF": "tests.integration.test_worker.exit_urls"}


def last_words(workers) -> list[str]:
    """What exit handlers have told, a line each: process and word."""
    path = Path(f"{workers.ledger}-exit")
    return sorted(path.read_text().splitlines()) if path.exists() else []


async def test_after_a_drain(workers, client):
    supervisor = workers.start("--processes", "2", number=2, **URLS)
    pids = workers.pids()
    await client.ask("/run/last/?seconds=0.5", "POST")
    wait_until(lambda: workers.runs("last"))
    supervisor.terminate()
    assert ended(supervisor) == 0
    of_workers = [line for line in last_words(workers) if int(line.split()[0]) in pids]
    assert of_workers == sorted(f"{pid} {word}" for pid in pids for word in ("atexit", "logged"))
    assert not told(supervisor, "Worker process ")


async def test_after_the_last_request_of_a_process(workers, client):
    workers.start("--max-requests", "1", **URLS)
    (pid,) = workers.pids()
    await client.ask("/run/only/")
    wait_until(lambda: f"{pid} atexit" in last_words(workers))
    wait_until(lambda: f"{pid} logged" in last_words(workers))


def test_when_the_supervisor_is_gone(workers):
    supervisor = workers.start(**URLS)
    (pid,) = workers.pids()
    kill(supervisor.pid)
    supervisor.wait()
    wait_until(lambda: f"{pid} logged" in last_words(workers))


def test_when_the_supervisor_is_gone_while_it_starts(workers):
    """Of a project whose code takes long to be loaded."""
    slow = Path(f"{workers.brittle}-slow")
    slow.touch()
    supervisor = workers.manage("runqueueworker")
    (pid,) = once_started(lambda: children(supervisor.pid), "a process of workers")
    kill(supervisor.pid)
    supervisor.wait()
    wait_until(lambda: not is_alive(pid), "it does not wait for that code")


@pytest.mark.parametrize("what", [{"EXIT_SECONDS": "60"}, {"QUEUEPROXY_TEST_THREAD": "1"}])
def test_those_that_take_too_long_are_left(workers, what):
    supervisor = workers.start("--graceful-timeout", "1.5", **URLS, **what)
    (pid,) = workers.pids()
    # The worker itself; the supervisor has imported the same code, and its threads.
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: told(supervisor, "still ran after the graceful timeout"))
    assert 1 < time.monotonic() - began < 20, "not only when the code itself ends"
    wait_until(lambda: told(supervisor, f"Worker process {pid} ended with status 3"))
    workers.serve(supervisor, 1)
    kill(supervisor.pid)


async def test_where_a_view_still_runs_they_are_left_out(workers, client):
    supervisor = workers.start("--graceful-timeout", "0.5", **URLS)
    (pid,) = workers.pids()
    id = await client.ask("/run/long/?seconds=60", "POST")
    wait_until(lambda: workers.runs("long"))
    supervisor.terminate()
    ended(supervisor)
    assert not [line for line in last_words(workers) if line.startswith(f"{pid} ")]
    (line,) = told(supervisor, "after the graceful timeout and is given up")
    assert "1 request still ran" in line
    assert f"POST /run/long/ (request-{id}, " in line
