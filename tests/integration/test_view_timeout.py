"""VIEW_TIMEOUT in real processes: replaced at once, and never more than twice as many."""

import pytest

from ..kit.proc import children, is_alive
from ..kit.waiting import wait_until
from .test_worker.worker_site import ended, once_started, told

LIMIT = 3  # seconds


@pytest.fixture
def site_settings():
    return {"VIEW_TIMEOUT": LIMIT}


async def test_a_process_of_one_thread(workers, client):
    supervisor = workers.start()
    (old,) = workers.pids()
    id = await client.ask("/run/hangs/?seconds=60")
    wait_until(lambda: told(supervisor, "past VIEW_TIMEOUT"))
    wait_until(lambda: not is_alive(old), "it has ended")
    workers.serve(supervisor, 1)
    assert await client.status(await client.ask("/run/after/")) == 200
    assert await client.notice(id) == "view_timeout"
    assert len(workers.runs("hangs")) == 1
    (line,) = told(supervisor, "past VIEW_TIMEOUT")
    assert f"GET /run/hangs/ (request-{id}, " in line
    assert "urls.py, line " in line  # where the view is: in time.sleep, which has no line
    assert not told(supervisor, "Worker process")
    supervisor.terminate()
    assert ended(supervisor) == 0


async def test_another_takes_its_place_while_its_other_threads_finish(workers, client):
    supervisor = workers.start("--threads", "4")
    (old,) = workers.pids()
    stuck = await client.ask("/run/hangs/?seconds=60", "POST")
    # Each piece of it comes in time, and so it may go on until its end.
    streams = [await client.ask(f"/stream/{n}/?count=100&pause=0.2") for n in range(3)]
    wait_until(lambda: len(workers.runs()) == 4, "all run")
    once_started(lambda: len(workers.pids()) == 2, "another one serves beside it")
    assert is_alive(old)
    shown = {worker["pid"]: worker["state"] for worker in workers.workers_shown()}
    assert shown.pop(old) == "view timed out"
    assert set(shown.values()) <= {"idle", "busy"}
    assert await client.status(await client.ask("/run/meanwhile/")) == 200
    assert [await client.status(id) for id in streams] == [200] * 3
    wait_until(lambda: not is_alive(old), "it has ended")
    assert await client.notice(stuck) == "view_timeout"
    workers.serve(supervisor, 1)


async def test_no_more_processes_drain_than_serve(workers, client):
    """Where all views hang: two processes at a time, not one more with each of them."""
    supervisor = workers.start("--threads", "2")
    for number in range(2):
        await client.ask(f"/run/hangs-{number}/?seconds=60", "POST")
        await client.ask(f"/stream/{number}/?count=100&pause=0.2")
        wait_until(lambda n=number: len(workers.runs()) == 2 * n + 2, "both run", timeout=60)
    seen = []
    wait_until(lambda: len(told(supervisor, "past VIEW_TIMEOUT")) == 2, "the second is found too")
    wait_until(lambda: seen.append(len(children(supervisor.pid))) or len(seen) > 100)
    assert max(seen) == 2
    wait_until(lambda: workers.queue()["completed_total"] == 2, "the streams have ended", 60)
    workers.serve(supervisor, 1)
