"""Memory on the page: of the broker, and of each worker over its life."""

import json

from queueproxy.dashboard.memory import broker_memory, memory_over_time
from queueproxy.front import status_page

from ..test_screen import snapshot, worker
from .test_page import badges_of, page_of, text_of

MIB = 2**20


def over_time(*sizes: int) -> dict:
    history = [size * MIB for size in sizes]
    return memory_over_time(worker(1, memory_history_bytes=history, age_seconds=300.0))


def test_growth_is_told_since_the_worker_was_warm():
    shown = over_time(40, 90, 95, 100, 105)
    assert shown["memory_spark"].startswith("0.0,")
    assert (shown["memory_grown"], shown["memory_leaks"]) == ("+15 MiB in 4 min", False)


def test_what_grows_by_half_leaks():
    assert over_time(40, 90, 110, 130, 140)["memory_leaks"] is True


def test_a_little_growth_and_a_short_life_say_nothing():
    assert over_time(40, 90, 91, 92, 99)["memory_grown"] == ""
    assert over_time(40, 90, 200)["memory_grown"] == ""
    assert memory_over_time(worker(1))["memory_spark"] == ""  # of an older release


def test_a_broker_without_a_limit():
    shown = broker_memory(snapshot(), 256 * MIB)
    assert (shown["limit"], shown["percent"]) == ("without a limit", None)
    assert not shown["nearly_full"]


def test_a_broker_that_is_nearly_full_is_told_everywhere(scenario, boss, broker):
    assert "nearly out of memory" not in page_of(boss)
    client = scenario.kit.client
    limit = int(client.info("memory")["used_memory"] * 1.05)
    client.config_set("maxmemory", limit)
    try:
        assert "The broker is nearly out of memory" in badges_of(boss)
        shown = page_of(boss).partition('data-key="broker"')[2].partition("</section>")[0]
        assert f"of {limit / MIB:.0f} MiB" in text_of(shown)
        assert "0.0 MiB of 256 MiB" in text_of(shown)
    finally:
        client.config_set("maxmemory", 0)


def test_the_front_tells_it_by_itself():
    full = snapshot(memory_bytes=62 * MIB, memory_limit_bytes=64 * MIB, queue_bytes=3 * MIB)
    told = "The broker uses 62 of 64 MiB memory, 3 of them for requests and answers;"
    assert told in status_page.as_html(full, 60)
    assert told not in status_page.as_html(snapshot(memory_limit_bytes=64 * MIB), 60)
    said = json.loads(status_page.as_json(full))["broker"]
    assert (said["memory_limit_bytes"], said["queue_bytes"]) == (64 * MIB, 3 * MIB)


def test_workers_show_their_line(scenario, boss):
    registration = scenario.kit.registration()
    history = [size * MIB for size in (50, 60, 90, 130, 170)]
    registration.announce(memory_history_bytes=history)
    registration.beat("idle", history[-1])
    table = page_of(boss).partition('id="qp-workers"')[2].partition("</section>")[0]
    assert "170 MiB +110 MiB in" in text_of(table)
    assert '<polyline points="0.0,' in table
