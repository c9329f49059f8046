"""Event streams end soon when their worker drains, and their clients go on elsewhere."""

import os
import signal

import httpx

from ..kit.waiting import wait_until

GRACE = 0.5  # seconds
SOON = 60.0  # seconds, on a busy machine
GIVEN_UP_AFTER = "600"  # seconds


def test_a_reload_does_not_wait_for_them(make_site):
    site = make_site(STREAM_GRACE=GRACE)
    site.front()
    supervisor = site.workers("--processes", "2", "--graceful-timeout", GIVEN_UP_AFTER)
    old = pids(site)
    last, first_pid = listen(site, 0, lambda seen: seen == 3)
    seen, _ = listen(site, last, lambda n: n == last + 2 and supervisor.send_signal(signal.SIGHUP))
    assert seen > last + 2  # it had its grace
    wait_until(lambda: pids(site).isdisjoint(old), "the old processes have gone", SOON)
    after, pid = listen(site, seen, lambda n: n == seen + 1)
    assert after == seen + 1  # by its number, none is lost
    assert pid not in old
    assert first_pid in old


def pids(site) -> set[int]:
    return {worker["pid"] for worker in site.status()["workers"]}


def listen(site, last: int, enough) -> tuple[int, int]:
    """Follow the events until `enough` says so, or their end; the last number, and by whom."""
    pid = 0
    headers = {"Last-Event-ID": str(last)}
    try:
        with httpx.stream("GET", site.url + "/events/e/", headers=headers, timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    last = int(line[4:])
                elif line.startswith("data: "):
                    pid = int(line[6:])
                    if enough(last) is True:
                        break
    except httpx.RemoteProtocolError:
        pass  # it was cut, as a stream without an end is
    return last, pid


def test_other_streams_come_to_their_end(make_site):
    site = make_site(STREAM_GRACE=0)
    site.front()
    supervisor = site.workers()
    pending = site.in_background("GET", "/stream/export/?count=20&pause=0.1")
    wait_until(lambda: site.runs("export"), "it runs")
    os.kill(supervisor.pid, signal.SIGTERM)
    assert len(pending.result().content) == 20_000
    assert supervisor.wait(SOON) == 0
