"""At rest a worker blocks: it asks nothing of the broker but its heartbeats."""

import pytest

from ...brokers import eventually

SECONDS = 6  # of the broker's clock
MOST = 8  # commands a second, those inside scripts counted: a heartbeat has fifteen
BEAT = 3  # seconds between heartbeats: one more than there is room for may fall into a stretch


@pytest.mark.parametrize("threads", [1, 4])
async def test_an_idle_worker_asks_for_little(client, start_worker, kit, threads):
    worker = start_worker(threads=threads)
    assert await client.status(await client.ask("/run/a/")) == 200
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == threads)
    before, begun = calls(kit), kit.now_ms()
    await eventually(lambda: kit.now_ms() > begun + SECONDS * 1000)
    asked = {name: n - before.get(name, 0) for name, n in calls(kit).items()}
    assert asked.pop("fcall") >= 1, "a heartbeat"
    seconds = (kit.now_ms() - begun) / 1000  # more than were asked for, on a busy machine
    assert sum(asked.values()) <= MOST * (seconds + BEAT), asked
    assert worker.is_alive()


def calls(kit) -> dict[str, int]:
    """How often each command was called; not what this test itself asks."""
    stats = kit.client.info("commandstats")
    return {
        name.removeprefix("cmdstat_"): about["calls"]
        for name, about in stats.items()
        if name not in ("cmdstat_time", "cmdstat_info")
    }
