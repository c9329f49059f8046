"""The supervisor of real worker processes: signals, deaths, fresh code, its own end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..kit.proc import children, cpu_seconds, is_alive
from ..kit.waiting import wait_until
from .test_worker.worker_site import PROBE, ended, kill, once_started, told

# The end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains(workers, client, number):
    supervisor = workers.start("--processes", "2", number=2)
    await client.ask("/run/last/?seconds=0.5", "POST")
    wait_until(lambda: workers.runs("last"))
    supervisor.send_signal(number)
    assert ended(supervisor) == 0
    assert workers.queue()["completed_total"] == 1
    assert not workers.status()["dead_letters"]
    assert not workers.pids()


async def test_after_the_graceful_timeout_it_ends_all_the_same(workers, client):
    supervisor = workers.start("--graceful-timeout", "0.5")
    await client.ask("/run/long/?seconds=60", "POST")
    wait_until(lambda: workers.runs("long"))
    supervisor.terminate()
    ended(supervisor)
    assert workers.status()["dead_letters"] == 1
    assert len(workers.runs()) == 1


async def test_a_second_signal_forces_the_end(workers, client):
    supervisor = workers.start("--processes", "2", "--graceful-timeout", "60", number=2)
    await client.ask("/run/long/?seconds=60", "POST")
    wait_until(lambda: workers.runs("long"))
    supervisor.terminate()
    wait_until(lambda: len(children(supervisor.pid)) == 1, "the idle one has ended")
    supervisor.terminate()
    ended(supervisor)
    assert workers.status()["dead_letters"] == 1


def test_a_signal_while_processes_are_being_started(workers):
    supervisor = workers.manage("runqueueworker", "--processes", "2")
    once_started(lambda: children(supervisor.pid), "the first is being started")
    supervisor.terminate()
    assert ended(supervisor) == 0
    assert not told(supervisor, "Worker process")
    assert not workers.pids()


async def test_workers_end_by_themselves_when_it_is_killed(workers, client):
    supervisor = workers.start("--processes", "2", number=2)
    started = children(supervisor.pid)
    await client.ask("/run/last/?seconds=0.5", "POST")
    wait_until(lambda: workers.runs("last"))
    kill(supervisor.pid)
    supervisor.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in started), "its workers ended")
    assert workers.queue()["completed_total"] == 1
    assert not workers.pids()


# How many.


def test_one_more_and_one_less(workers):
    supervisor = workers.start()
    supervisor.send_signal(signal.SIGTTIN)
    workers.serve(supervisor, 2)
    supervisor.send_signal(signal.SIGTTIN)
    workers.serve(supervisor, 3)
    for left in (2, 1):
        supervisor.send_signal(signal.SIGTTOU)
        workers.serve(supervisor, left)
    last = workers.pids()
    before = turns(supervisor.pid)
    supervisor.send_signal(signal.SIGTTOU)  # one is the least
    wait_until(lambda: turns(supervisor.pid) > before + 3, "it has seen the signal")
    supervisor.send_signal(signal.SIGTTIN)
    workers.serve(supervisor, 2)
    assert set(last) <= set(workers.pids())


# Fresh code.


async def test_all_are_replaced_and_enough_always_serve(workers):
    supervisor = workers.start("--processes", "2", number=2)
    old = workers.pids()
    supervisor.send_signal(signal.SIGHUP)
    seen = []
    once_started(lambda: seen.append(workers.pids()) or not set(old) & set(seen[-1]), "all are new")
    assert all(len(pids) >= 2 for pids in seen)
    workers.serve(supervisor, 2)
    assert not told(supervisor, "Worker process")


async def test_fresh_code_that_is_broken_leaves_the_old_at_work(workers, client):
    supervisor = workers.start("--processes", "2", number=2)
    old = workers.pids()
    workers.brittle.touch()
    supervisor.send_signal(signal.SIGHUP)
    once_started(lambda: told(supervisor, "A replacement did not come up"))
    assert len(told(supervisor, "broken on purpose")) == 1
    workers.serve(supervisor, 2)
    assert workers.pids() == old
    await client.ask("/run/a/")
    wait_until(lambda: workers.runs("a"))
    workers.brittle.unlink()
    supervisor.send_signal(signal.SIGHUP)
    once_started(lambda: not set(old) & set(workers.pids()), "all are new")
    workers.serve(supervisor, 2)


# Deaths.


async def test_a_killed_process_is_replaced_and_what_it_held_is_settled_at_once(workers, client):
    supervisor = workers.start()
    (victim,) = workers.pids()
    await client.ask("/run/lost/?seconds=60", "POST")
    wait_until(lambda: workers.runs("lost"))
    began = time.monotonic()
    kill(victim)
    wait_until(lambda: workers.status()["dead_letters"] == 1)
    assert time.monotonic() - began < 10, "not only when the lease of 15 s ran out"
    workers.serve(supervisor, 1)
    assert workers.pids() != [victim]
    assert len(told(supervisor, f"Worker process {victim} was killed by signal 9")) == 1


def test_processes_that_can_not_start_are_tried_ever_later(workers):
    supervisor = workers.start()
    (victim,) = workers.pids()
    workers.brittle.touch()
    kill(victim)
    wait_until(lambda: len(told(supervisor, "ended with status 4")) == 2, timeout=90)
    pauses = [int(line.split()[-2]) for line in told(supervisor, "Starting again in")][-2:]
    assert pauses == [pauses[0], 2 * pauses[0]]
    assert len(told(supervisor, "broken on purpose")) == 2  # a line each, and no traceback
    assert not told(supervisor, "Traceback")
    workers.brittle.unlink()
    workers.serve(supervisor, 1)


SUPERVISE = """
import sys
from queueproxy.worker.supervisor import Supervisor, SupervisorOptions

command = ["sh", "-c", "date +%s.%N >> $0; exit 1", sys.argv[1]]
Supervisor(SupervisorOptions(command, 1, graceful_timeout=1), print).run()
"""


def test_the_pauses_are_kept(tmp_path):
    starts = tmp_path / "starts"
    starts.touch()
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE, str(starts)])
    try:
        wait_until(lambda: len(starts.read_text().splitlines()) == 3)
    finally:
        supervisor.terminate()
        supervisor.wait(20)
    times = [float(line) for line in starts.read_text().splitlines()]
    assert times[1] - times[0] >= 1
    assert times[2] - times[1] >= 2


async def test_a_process_that_dies_in_a_loop_is_no_storm(workers, client):
    """Each of these kills whoever runs it; they are given up one by one, and life goes on."""
    supervisor = workers.start()
    for number in range(2):
        await client.ask(f"/die/{number}/")
    await client.ask("/run/after/")
    wait_until(lambda: workers.runs("after"), timeout=120)
    deaths = told(supervisor, "was killed by signal 9")
    assert len(deaths) == 4  # two attempts each
    assert len(set(deaths)) == 4
    assert workers.status()["dead_letters"] == 2


def test_it_sits_still(workers):
    """At rest a supervisor costs next to nothing."""
    supervisor = workers.start()
    before, began = cpu_seconds(supervisor.pid), time.monotonic()
    wait_until(lambda: time.monotonic() > began + 3)
    assert cpu_seconds(supervisor.pid) - before < 0.1


def turns(pid: int) -> int:
    """How often a process has gone to sleep so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("voluntary")).split()[1])


# What else a supervisor sees to.


def test_a_sibling_that_dies_while_others_are_replaced(workers):
    supervisor = workers.start("--processes", "2", number=2)
    victim, other = workers.pids()
    slow = Path(f"{workers.brittle}-slow")
    slow.touch()
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: len(children(supervisor.pid)) == 3, "a replacement is being started")
    replacement = set(children(supervisor.pid)) - {victim, other}
    kill(other)
    wait_until(
        lambda: set(children(supervisor.pid)) - {victim, other} - replacement,
        "another process starts in the dead one's place",
    )
    slow.unlink()
    workers.serve(supervisor, 2)
    once_started(lambda: not {victim, other} & set(workers.pids()), "all are new")
    once_started(lambda: told(supervisor, "Reload: done"))
    workers.serve(supervisor, 2)


async def test_a_killed_process_is_told_of_with_what_it_ran(workers, client):
    supervisor = workers.start("--threads", "2")
    (victim,) = workers.pids()
    ids = [await client.ask(f"/run/{number}/?seconds=60&secret=1", "POST") for number in range(2)]
    wait_until(lambda: len(workers.runs()) == 2)
    kill(victim)
    wait_until(lambda: workers.status()["dead_letters"] == 2)
    (line,) = wait_until(lambda: told(supervisor, f"{victim} was killed by signal 9 while it ran"))
    for number, id in enumerate(ids):
        assert f"POST /run/{number}/ (request-{id}, " in line
    assert "secret" not in line


def test_it_says_what_it_does(workers):
    supervisor = workers.start()
    supervisor.send_signal(signal.SIGHUP)
    once_started(lambda: told(supervisor, "Reload: done"))
    (line,) = told(supervisor, "Reload: fresh code from ")
    assert line.endswith("for 1 worker process.")
    workers.serve(supervisor, 1)
    supervisor.terminate()
    assert ended(supervisor) == 0
    assert len(told(supervisor, "Draining: 1 worker process, 30 s at most")) == 1
    assert len(told(supervisor, "All worker processes have ended; exit status 0.")) == 1


ADOPT = """
import ctypes, sys
from queueproxy.worker.supervisor import Supervisor, SupervisorOptions

ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come here, as to process 1
command = ["sh", "-c", "sh -c 'sleep 3 & sleep 2 &'; exec sleep 60"]
Supervisor(SupervisorOptions(command, 1, graceful_timeout=1), lambda worker: []).run()
"""


def test_orphans_are_reaped():
    supervisor = subprocess.Popen([sys.executable, "-c", ADOPT])
    try:
        wait_until(lambda: len(children(supervisor.pid)) == 3, "orphans are adopted")
        wait_until(lambda: len(children(supervisor.pid)) == 1, "they are gone")
    finally:
        supervisor.terminate()
        assert supervisor.wait(20) == 0


ABSENT = """
import logging, sys
from queueproxy.worker.supervisor import Supervisor, SupervisorOptions

logging.basicConfig()
command = ["sh", "-c", "echo >> $0; exec sleep 60", sys.argv[1]]
options = SupervisorOptions(command, 1, graceful_timeout=1, directory=sys.argv[2])
Supervisor(options, lambda worker: []).run()
"""


def test_what_can_not_be_started_is_tried_again(tmp_path):
    """Its directory is away for a moment, as while a link is made anew."""
    started, directory = tmp_path / "started", tmp_path / "current"
    words = [sys.executable, "-c", ABSENT, str(started), str(directory)]
    supervisor = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert "can't be started" in supervisor.stderr.readline()
        directory.mkdir()
        wait_until(started.exists, "it has started")
    finally:
        supervisor.terminate()
        supervisor.communicate(timeout=20)


def test_a_link_to_the_code_that_is_pointed_elsewhere(workers, tmp_path):
    """``cd /srv/current``, deploy, SIGHUP: the new release serves, though the old one is gone."""
    releases = [tmp_path / "release-1", tmp_path / "release-2"]
    for release in releases:
        release.mkdir()
        (release / "release_settings.py").write_text(f"from {PROBE} import *\n")
    current = tmp_path / "current"
    current.symlink_to(releases[0])
    supervisor = workers.start(
        cwd=current, PWD=str(current), DJANGO_SETTINGS_MODULE="release_settings"
    )
    assert working_directory(workers.pids()[0]) == str(releases[0])
    for file in releases[0].rglob("*.py"):
        file.unlink()
    current.unlink()
    current.symlink_to(releases[1])
    supervisor.send_signal(signal.SIGHUP)
    once_started(lambda: told(supervisor, "Reload: done"))
    workers.serve(supervisor, 1)
    assert working_directory(workers.pids()[0]) == str(releases[1])
    assert told(supervisor, f"Reload: fresh code from {current} for 1 worker process.")


def working_directory(pid: int) -> str:
    """Of a process, as the kernel has it."""
    return os.readlink(f"/proc/{pid}/cwd")
