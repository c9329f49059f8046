"""Activations and rollbacks under load: who claimed what, by the broker's own clock.

``QUEUEPROXY_SWITCHES`` says how often: 60 unless set; 1,000 by ``make switches``.
"""

import asyncio
import bisect
import os
import random
from collections import Counter
from typing import NamedTuple

import pytest

from queueproxy.broker.operate.releases import Releases

from ..brokers import QUEUES, BrokerKit, eventually
from .claimers import LEASE, claiming

SWITCHES = int(os.environ.get("QUEUEPROXY_SWITCHES", "60"))
MOST_SWITCHES = 10 * SWITCHES  # on a machine so busy that a release hardly works in its time
WORKERS_EACH = 3
BACKLOG = 100  # requests kept waiting
LASTS = 0.03  # seconds that a release serves, at most


class Execution(NamedTuple):
    """A line of the ledger: by whom, and when (ms of the broker's clock) it was claimed."""

    claimed: int
    id: str
    release: str


@pytest.fixture
async def busy_kit(broker):
    kit = BrokerKit(broker.url, lease=LEASE)
    yield kit
    await kit.close()


@pytest.fixture
def ledger(tmp_path, broker):
    """Where claimers of two releases write; they run while it is needed."""
    releases = [(str(WORKERS_EACH), name) for name in ("old", "new")]
    with claiming(tmp_path, broker.url, *releases) as path:
        yield path


class Load:
    """Requests without end: as many are enqueued as are answered, and somewhat more."""

    def __init__(self, kit: BrokerKit, front_broker):
        self._kit, self._broker = kit, front_broker
        self.sent: list[str] = []
        self.over = False

    async def run(self) -> None:
        while not self.over:
            await self._broker.beat()
            if self._kit.counters().waiting < BACKLOG:
                ids = [f"r{len(self.sent) + n}" for n in range(64)]
                await self._kit.put(self._broker, *ids, queue=random.choice(QUEUES), hold=600)
                self.sent += ids
            await asyncio.sleep(0.01)


def executions(path) -> list[Execution]:
    lines = (line.split() for line in path.read_text().splitlines())
    return [Execution(int(claimed), id, release) for claimed, _, id, release in lines]


def by_the_wrong_one(found: list[Execution], switches: list[tuple[int, str]]) -> list[Execution]:
    """Those that were claimed while another release was active all through that millisecond."""
    moments = [moment for moment, _ in switches]

    def active_in(ms: int) -> set[str]:
        before = bisect.bisect_left(moments, ms)
        upto = bisect.bisect_right(moments, ms)
        return {name for _, name in switches[max(0, before - 1) : upto]}

    return [one for one in found if one.release not in active_in(one.claimed)]


def served(found: list[Execution]) -> tuple[int, int]:
    """How many of them each release has run."""
    by = Counter(one.release for one in found)
    return by["old"], by["new"]


def idle(kit) -> bool:
    counted = kit.counters()
    return not (counted.waiting or counted.in_flight)


async def switch(releases: Releases, number: int) -> tuple[int, str]:
    """Activate the other release, or roll back to it; when (ms, Redis), and which."""
    active = releases.activation().active
    if number % 2:
        done = releases.roll_back(keep=600)
    else:
        done = releases.activate("new" if active == "old" else "old", keep=600)
    assert done.what == "done"
    now = releases.activation()
    assert now.active == done.active != active
    return now.number, now.active


async def test_no_request_is_run_by_a_release_that_is_not_active(busy_kit, ledger):
    kit, releases = busy_kit, Releases(busy_kit.link())
    front = await kit.front_broker()
    workers = kit.keys.workers
    await eventually(lambda: kit.client.zcard(workers) == 2 * WORKERS_EACH, "workers", 60)
    load = Load(kit, front)
    task = asyncio.get_running_loop().create_task(load.run())
    await eventually(lambda: len(executions(ledger)) > 50, "work", 60)
    switches = [(0, releases.activation().active)]
    for number in range(MOST_SWITCHES):
        if number >= SWITCHES and min(served(executions(ledger))) > SWITCHES:
            break
        switches.append(await switch(releases, number))
        await asyncio.sleep(random.uniform(0.2, 1) * LASTS)
    load.over = True
    await task
    await eventually(lambda: idle(kit), "all is done", 60)
    done = executions(ledger)
    print(f"{len(switches) - 1} switches, requests by old and new: {served(done)}")
    assert by_the_wrong_one(done, switches) == []
    assert min(served(done)) > SWITCHES  # both have worked all the time
    assert Counter(one.id for one in done) == Counter(load.sent)  # none lost, none twice
