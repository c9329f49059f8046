"""A supervisor with ``--processes 1..3`` follows a real load; and not where it must not."""

import signal
import threading
import time

import httpx
import pytest

from ..kit.proc import children, is_alive
from ..kit.waiting import wait_until

BOOT = 60.0  # seconds, on a busy machine
SLOW_MACHINE = 10.0  # seconds that a busy one may take longer


@pytest.fixture
def server():
    return "uvicorn"


@pytest.fixture
def scaling_site(make_site):
    site = make_site(SCALE_DOWN_AFTER=2, TARGET_WAIT=0.1)
    site.front()
    return site


def scaling(site) -> dict:
    """What the only supervisor that follows the load says."""
    told = site.status()["scaling"]["supervisors"]
    return told[0] if told else {"wanted": 0, "running": 0, "why": ""}


def runs(site, number: int):
    """Wait until so many processes are wanted and serve."""
    wait_until(
        lambda: (scaling(site)["wanted"], scaling(site)["running"]) == (number, number),
        f"{number} processes",
        BOOT,
    )


def start(site, *options: str):
    supervisor = site.workers("--processes", "1..3", *options)
    wait_until(lambda: scaling(site)["running"] == 1, f"{supervisor.log}", BOOT)
    return supervisor


def end_views(site, number: int) -> None:
    """Let so many views that read slowly go on."""
    for nonce in range(number):
        site.ledger.with_name(str(nonce)).touch()


def log(process) -> str:
    return process.log.read_text()


def test_more_under_load_and_fewer_at_rest(scaling_site):
    site = scaling_site
    supervisor = start(site)
    began = time.monotonic()
    asked = [site.in_background("GET", f"/read-slowly/{number}/") for number in range(8)]
    wait_until(lambda: scaling(site)["wanted"] == 3, "more are wanted")
    assert time.monotonic() - began < 5 + SLOW_MACHINE
    runs(site, 3)
    wait_until(lambda: site.queue()["in_flight"] == 3, "each of them runs one")
    end_views(site, 8)
    assert "the oldest request has waited" in log(supervisor)
    assert [one.result().status_code for one in asked] == [200] * 8
    assert len({line.split()[2] for line in site.runs()}) == 3
    runs(site, 1)
    wait_until(lambda: "no more than 1 were needed for 2.0 s" in log(supervisor), "it is told")
    status = site.run("queueproxy", "status")
    assert "1 process wanted (1 to 3), 1 running" in status.stdout
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0
    assert site.status()["scaling"]["supervisors"] == []


@pytest.mark.parametrize("how", ["pause", "hold"])
def test_neither_more_nor_fewer_while_it_is_paused(scaling_site, how):
    site = scaling_site
    supervisor = start(site)
    held = None
    if how == "pause":
        assert site.run("queueproxy", "pause").returncode == 0
    else:
        held = site.manage("queueproxy", "hold", "--", "sleep", "60")
        wait_until(lambda: site.queue()["paused"], "it holds")
    wait_until(lambda: "is paused" in scaling(site)["why"], "it has seen that")
    asked = [site.in_background("GET", f"/run/{number}/") for number in range(20)]
    wait_until(lambda: site.queue()["oldest_wait_seconds"] > 3, "they wait for long")
    assert scaling(site)["wanted"] == 1
    assert "Wanted processes" not in log(supervisor)
    if held is None:
        assert site.run("queueproxy", "resume").returncode == 0
    else:
        held.send_signal(signal.SIGTERM)
    assert [one.result().status_code for one in asked] == [200] * 20


def test_much_more_load_is_met_at_once(scaling_site):
    """The first new process claims within a second and the time that it takes to boot."""
    site = scaling_site
    began = time.monotonic()
    start(site)
    boot = time.monotonic() - began
    users = [User(site)]
    wait_until(lambda: len(site.runs()) > 10, "it is served")
    assert scaling(site)["running"] == 1
    (first,) = {line.split()[2] for line in site.runs()}
    began = time.monotonic()
    users += [User(site) for _ in range(19)]
    wait_until(lambda: scaling(site)["wanted"] == 3, "more are wanted", BOOT)
    decided = time.monotonic() - began
    wait_until(lambda: any(line.split()[2] != first for line in site.runs()), "one more", BOOT)
    claimed = time.monotonic() - began
    for user in users:
        user.over = True
        user.join(BOOT)
        assert set(user.statuses) == {200}
    assert decided < 1 + SLOW_MACHINE
    assert claimed < 1 + boot + SLOW_MACHINE


class User(threading.Thread):
    """Asks ten times a second at most: the first one fills a fifth of one process."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self._site = site
        self.over = False
        self.statuses: list[int] = []
        self.start()

    def run(self) -> None:
        with httpx.Client(base_url=self._site.url, timeout=60) as client:
            while not self.over:
                pause = time.monotonic() + 0.1
                self.statuses.append(client.get("/run/step/?seconds=0.02").status_code)
                time.sleep(max(0, pause - time.monotonic()))


def test_two_supervisors_share_the_load(scaling_site):
    """As on two machines: neither starts what the other has room for."""
    site = scaling_site
    words = ("--processes", "1..3")
    for number in (1, 2):
        site.workers(*words)
        wait_until(lambda n=number: len(site.status()["scaling"]["supervisors"]) == n, "told", BOOT)

    def wanted() -> list[int]:
        return [one["wanted"] for one in site.status()["scaling"]["supervisors"]]

    assert wanted() == [1, 1]
    asked = [site.in_background("GET", f"/run/{number}/?seconds=2") for number in range(8)]
    wait_until(lambda: sum(wanted()) >= 4, "more are wanted", BOOT)
    assert [one.result().status_code for one in asked] == [200] * 8
    wait_until(lambda: wanted() == [1, 1], "no more are needed", BOOT)


def test_one_that_has_grown_is_replaced_after_its_request(scaling_site):
    site = scaling_site
    supervisor = site.workers("--max-memory", "300MiB", "--threads", "2")
    (old,) = children(supervisor.pid)
    assert site.get("/grow/a/?mib=400").status_code == 200
    slow = site.in_background("GET", "/run/slow/?seconds=4")
    wait_until(lambda: "is replaced after its request" in log(supervisor), "noticed")
    assert f"Worker process {old} has" in log(supervisor)
    assert slow.result().status_code == 200
    wait_until(lambda: len(found := children(supervisor.pid)) == 1 and found != [old], "new", BOOT)
    assert not is_alive(old)
    assert log(supervisor).count("is replaced") == 1
    assert len(site.runs("slow")) == 1


def test_one_beside_a_front_that_has_grown_is_replaced(scaling_site):
    (front,) = scaling_site.processes
    front.terminate()
    assert front.wait(60) == 0
    front = scaling_site.front("--workers", "1", "--max-memory", "300MiB")
    assert scaling_site.get("/grow/a/?mib=400").status_code == 200
    wait_until(lambda: "is replaced after its request" in log(front), "noticed", BOOT)
    assert scaling_site.get("/run/after/").status_code == 200


def test_no_process_is_left(scaling_site):
    site = scaling_site
    supervisor = start(site)
    asked = [site.in_background("GET", f"/read-slowly/{number}/") for number in range(12)]
    runs(site, 3)
    started = children(supervisor.pid)
    assert len(started) == 3
    supervisor.terminate()
    end_views(site, 12)
    assert supervisor.wait(60) == 0
    assert not any(is_alive(pid) for pid in started)
    start(site)
    assert {one.result().status_code for one in asked} == {200}


def test_beside_the_front(scaling_site):
    """``runqueueproxy --workers 1..3``."""
    (front,) = scaling_site.processes
    front.terminate()
    assert front.wait(60) == 0
    scaling_site.front("--workers", "1..3")
    wait_until(lambda: scaling(scaling_site)["running"] == 1, "one runs", BOOT)
    assert scaling(scaling_site)["most"] == 3


def test_what_can_not_be_meant(site):
    """One clear line; tests/unit/test_scaling_options.py has all the others."""
    for words in (
        ("runqueueworker", "--processes", "16..2"),
        ("runqueueproxy", "--workers", "2.."),
    ):
        done = site.run(*words)
        assert done.returncode == 2
        assert f"argument {words[-2]}: {words[-1]!r} " in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
