"""Several fronts on one port (runqueueproxy --fronts): served, lost, ended together."""

import os
import signal

import pytest

from ..kit.asking import listens
from ..kit.proc import children, is_alive
from ..kit.waiting import wait_until

CLIENTS = 40  # enough that no front is left without


def fronts_of(site) -> list[dict]:
    return site.status()["fronts"]


def pids_of(site, front, number: int) -> list[int]:
    """The processes that listen, once these are so many, and the broker knows them."""

    def look():
        pids = children(front.pid)
        known = sorted(one["pid"] for one in fronts_of(site))
        return pids if pids == known and len(pids) == number else None

    return wait_until(look, f"{number} fronts: {front.log}", timeout=60)


def hold(site) -> list:
    """So many requests that each front holds some: each has a connection of its own."""
    clients = [site.in_background("GET", f"/run/held-{n}/") for n in range(CLIENTS)]
    wait_until(lambda: site.queue()["depth"] == CLIENTS, "all wait", timeout=60)
    wait_until(lambda: all(one["held"] for one in fronts_of(site)), "each holds some", timeout=60)
    return clients


def test_all_serve_and_end_together(make_site):
    site = make_site(LEASE=2)
    front = site.front("--fronts", "2")
    pids = pids_of(site, front, 2)
    clients = hold(site)
    site.workers()
    assert [client.result().status_code for client in clients] == [200] * CLIENTS
    slow = site.in_background("GET", "/run/slow/?seconds=2")
    wait_until(lambda: site.runs("slow"), "it runs")
    front.terminate()
    assert slow.result().status_code == 200
    assert front.wait(60) == 0
    assert not any(map(is_alive, pids))
    wait_until(lambda: fronts_of(site) == [], "they have left")


def test_one_that_dies_is_started_again(make_site):
    site = make_site(LEASE=1)
    front = site.front("--fronts", "2")
    lost, other = pids_of(site, front, 2)
    os.kill(lost, signal.SIGKILL)
    site.workers()
    for number in range(10):
        assert site.get(f"/run/after-{number}/").status_code == 200
    assert other in pids_of(site, front, 2)
    assert "was killed by signal 9. Starting it again" in front.log.read_text()


def test_none_outlives_the_one_that_started_them(make_site):
    site = make_site(LEASE=1)
    front = site.front("--fronts", "2")
    pids = pids_of(site, front, 2)
    front.kill()
    wait_until(lambda: not any(map(is_alive, pids)), "they have ended", timeout=60)
    wait_until(lambda: not listens(site.port), "nobody listens")


def test_a_second_signal_gives_up_what_is_held(make_site):
    site = make_site(LEASE=1)
    front = site.front("--fronts", "2")
    pids_of(site, front, 2)
    clients = hold(site)
    front.terminate()
    wait_until(lambda: front.log.read_text().count("still running") == 2, "both drain")
    front.terminate()
    assert front.wait(60) == 1
    assert {client.result().status_code for client in clients} == {502}


def test_they_are_stopped_by_command(make_site, tmp_path):
    site = make_site(LEASE=1, RUN_DIR=str(tmp_path / "run"))
    front = site.front("--fronts", "2")
    pids = pids_of(site, front, 2)
    done = site.run("queueproxy", "stop", "front")
    assert done.returncode == 0, done.stdout + done.stderr
    assert front.wait(60) == 0
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)  # none is started
def test_reload_is_for_one(make_site):
    done = make_site().run("runqueueproxy", "--fronts", "2", "--reload")
    assert done.returncode == 2
    assert "--reload is for one front" in done.stderr
