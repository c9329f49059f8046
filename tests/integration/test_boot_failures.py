"""Fresh code that does not come up: the old serves on, and people are told why."""

import signal
import time

from queueproxy.broker.boot_failure_report import tell_boot_failure
from queueproxy.broker.observe.boot_failures import BootFailure, FailureTold
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.worker.boot_failures import BootFailures
from queueproxy.worker.supervisor import LOOK_EVERY

from ..brokers import QUEUES
from ..kit.waiting import wait_until
from .test_worker.worker_site import PROBE, ended, told

BOOT = 60.0  # seconds, on a busy machine
SOME_LOOKS = 5 * LOOK_EVERY  # seconds, of the supervisor


def failures(workers) -> list[dict]:
    return workers.status()["boot_failures"]


def serve(workers, supervisor, number: int) -> None:
    wait_until(lambda: len(workers.pids()) == number, "they are on the list", BOOT)
    wait_until(lambda: len(told(supervisor, " serves ")) >= number, "they serve", BOOT)


async def test_a_reload_that_fails_is_told_until_one_succeeds(workers, client):
    supervisor = workers.manage("runqueueworker", "--release", "v2")
    serve(workers, supervisor, 1)
    old = workers.pids()
    workers.brittle.touch()
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: failures(workers), "it is told", BOOT)
    (failure,) = failures(workers)
    assert failure["ending"] == "It ended with status 4."
    assert "broken on purpose" in failure["lines"][-1]
    assert (failure["release"], failure["serving"]) == ("v2", 1)
    assert len(told(supervisor, "broken on purpose")) == 1
    assert workers.pids() == old
    await client.ask("/run/a/")
    wait_until(lambda: workers.runs("a"), "it serves on")
    told_first = time.monotonic()
    wait_until(lambda: time.monotonic() > told_first + SOME_LOOKS)
    assert failures(workers) == [failure]
    workers.brittle.unlink()
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: not set(old) & set(workers.pids()), "all are new", BOOT)
    wait_until(lambda: not failures(workers), "nothing is told any more", BOOT)


def test_workers_that_can_t_start_at_all_say_so(workers):
    workers.brittle.touch()
    supervisor = workers.manage("runqueueworker")
    assert ended(supervisor, BOOT) == 4
    (failure,) = failures(workers)
    assert failure["serving"] == 0
    assert "broken on purpose" in failure["lines"][-1]
    shown = workers.run("queueproxy", "status")
    assert "a worker process" in shown.stdout
    assert "none serves there" in shown.stdout


async def test_a_release_whose_code_can_t_be_loaded_is_told_beside_one_that_serves(
    workers, client, tmp_path
):
    """Its supervisor finds that out before it has any process."""
    supervisor = workers.manage("runqueueworker", "--standby", "--release", "v1")
    serve(workers, supervisor, 1)
    (tmp_path / "no_urls.py").write_text(f"from {PROBE} import *\nROOT_URLCONF = 'missing.urls'\n")
    newer = workers.manage(
        *("runqueueworker", "--standby", "--release", "v2"),
        PYTHONPATH=str(tmp_path),
        DJANGO_SETTINGS_MODULE="no_urls",
    )
    assert ended(newer, BOOT) != 0
    (failure,) = failures(workers)
    assert failure["release"] == "v2"
    assert "No module named 'missing'" in failure["lines"][-1]
    assert failure["serving"] == 1
    shown = workers.run("queueproxy", "status").stdout
    assert "release v2 did not come up, the old ones stay" in shown
    await client.ask("/run/a/")
    wait_until(lambda: workers.runs("a"), "it serves on")


def test_where_the_old_ones_stand_by_nothing_says_that_they_serve():
    text = BootFailure("web1", 0.0, "It ended.", [], "v1", serving=1).text
    assert (
        text == "web1: a worker process of release v1 did not come up, the old ones stay. It ended."
    )


def test_a_release_that_stands_by_mends_no_other():
    told, now = [], ["first"]
    failures = BootFailures(
        lambda release, failure: told.append((release, failure and failure.ending)),
        lambda: now[0],
        standby=True,
    )
    failures.came_up(started=time.monotonic())
    now[0] = "next"
    failures.failed("It ended.", None, [])
    failures.came_up(started=time.monotonic() - 1)  # the old one, that serves on
    assert told == [("first", None), ("next", "It ended.")]
    now[0] = "mended"
    failures.came_up(started=time.monotonic() + 1)
    assert sorted(told[2:]) == [("mended", None), ("next", None)]


def test_words_that_are_wrong_are_no_failure_of_the_release(workers):
    supervisor = workers.manage("runqueueworker", "--standby", "--release", "v1", "--burst")
    assert ended(supervisor, BOOT) == 2
    assert failures(workers) == []


async def test_several_are_replaced_at_once(workers):
    supervisor = workers.manage("runqueueworker", "--processes", "3", "--reload-at-once", "3")
    serve(workers, supervisor, 3)
    old, seen = set(workers.pids()), []
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: seen.append(workers.pids()) or not old & set(seen[-1]), "all are new", BOOT)
    assert all(len(pids) >= 3 for pids in seen)
    wait_until(lambda: told(supervisor, "Reload: done"), "it is over", BOOT)
    assert not told(supervisor, "Worker process")


async def test_a_host_s_failures_are_bounded_and_forgotten_together(kit):
    def seen() -> list[str]:
        snapshot = SnapshotReader(kit.link(), QUEUES).snapshot()
        return [f"{failure.host} {failure.release}" for failure in snapshot.boot_failures]

    link = kit.link()
    for at, (host, release) in enumerate((("a", "1"), ("b", "1"), ("a", "2"))):
        tell_boot_failure(link, host, release, FailureTold(at, "It ended.", [], release))
    assert seen() == ["a 1", "b 1", "a 2"]
    tell_boot_failure(link, "a", "1", None)
    assert seen() == ["b 1", "a 2"]
    tell_boot_failure(link, "a", "", None)
    assert seen() == ["b 1"]
    for number in range(60):
        tell_boot_failure(link, "c", str(number), FailureTold(number, "It ended."))
    assert len(seen()) <= 50
