"""Which views have run for too long, and when to look again."""

import math
import threading
import time
from types import SimpleNamespace

import pytest

from queueproxy.worker.view_watch import ViewClock, ViewWatch

LIMIT = 100.0  # seconds: far more than a test takes
HEAD = SimpleNamespace(request_id="an-id", method="GET", path="/slow/")


def thread_that_runs(seconds: float, alive: bool = True):
    """One whose view has run for so long."""
    clock = ViewClock(3)
    clock.start(None, HEAD)
    clock.running = clock.running._replace(since=time.monotonic() - seconds)
    return SimpleNamespace(clock=clock, is_alive=lambda: alive, ident=threading.get_ident())


def idle_thread():
    return SimpleNamespace(clock=ViewClock(0), is_alive=lambda: True, ident=None)


def test_at_the_limit_and_not_before():
    watch = ViewWatch(LIMIT)
    assert watch.look([thread_that_runs(LIMIT - 1), idle_thread()]) == []
    assert not watch.found
    late = thread_that_runs(LIMIT)
    assert watch.look([thread_that_runs(LIMIT - 1), late]) == [late.clock.running]
    assert watch.found
    assert late.clock.running.thread == 3


def test_one_that_has_returned_is_not_late():
    watch, late = ViewWatch(LIMIT), thread_that_runs(LIMIT)
    assert watch.look([late])
    late.clock.stop()
    assert watch.look([late]) == []
    assert watch.found


def test_one_whose_thread_has_ended_is_not_late():
    assert ViewWatch(LIMIT).look([thread_that_runs(LIMIT, alive=False)]) == []


def test_without_a_limit_nothing_is_late():
    watch = ViewWatch(None)
    assert watch.look([thread_that_runs(1e6)]) == []
    assert watch.seconds_to_next([thread_that_runs(1e6)]) == math.inf


@pytest.mark.parametrize(
    ("running", "seconds"), [([], LIMIT), ([0], LIMIT), ([30, 60], 40), ([150], -50)]
)
def test_when_the_next_may_be_late(running, seconds):
    threads = [idle_thread(), *map(thread_that_runs, running)]
    assert ViewWatch(LIMIT).seconds_to_next(threads) == pytest.approx(seconds, abs=1)


def test_each_is_told_of_once_and_with_the_place_it_is_at(caplog):
    watch, late = ViewWatch(LIMIT), thread_that_runs(LIMIT)
    watch.look([late])
    watch.look([late])
    (record,) = caplog.records
    words = record.getMessage()
    assert words.startswith("GET /slow/ (an-id, 2 min) has run past VIEW_TIMEOUT (100 s) and is at")
    assert "view_watch.py, line " in words


def test_the_place_is_the_projects_own(caplog):
    late, gate = thread_that_runs(LIMIT), threading.Event()
    waiting = threading.Thread(target=gate.wait)  # at its innermost it is in Python's library
    project = threading.Thread(target=lambda: waiting.run())
    project.start()
    late.ident = project.ident
    try:
        ViewWatch(LIMIT).look([late])
    finally:
        gate.set()
        project.join()
    assert "test_view_watch.py, line " in caplog.text
