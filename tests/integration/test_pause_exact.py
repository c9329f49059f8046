"""P7 under load: 20 workers of 4 threads, and a pause again and again.

``QUEUEPROXY_PAUSES`` says how often: 100 unless set.
"""

import asyncio
import os
import random

import pytest

from ..brokers import QUEUES, BrokerKit, eventually
from .claimers import LEASE, claiming

PAUSES = int(os.environ.get("QUEUEPROXY_PAUSES", "100"))
PROCESSES, WORKERS_EACH = 5, 4
BACKLOG = 150  # requests kept waiting
QUIET = 0.05  # seconds a pause lasts once nothing is in flight: the keen try five times each


@pytest.fixture
async def busy_kit(broker):
    kit = BrokerKit(broker.url, lease=LEASE)
    yield kit
    await kit.close()


@pytest.fixture
def ledger(tmp_path, broker):
    """Where the claimers write; they run while it is needed."""
    with claiming(tmp_path, broker.url, *[(str(WORKERS_EACH),)] * PROCESSES) as path:
        yield path


class Load:
    """Requests without end: as many are enqueued as are answered, and somewhat more."""

    def __init__(self, kit: BrokerKit, front_broker):
        self._kit, self._broker = kit, front_broker
        self._sent = 0

    async def run(self) -> None:
        while True:
            await self._broker.beat()
            waiting = self._kit.counters().waiting
            if waiting < BACKLOG:
                ids = [f"r{self._sent + n}" for n in range(64)]
                self._sent += 64
                queue = random.choice(QUEUES)
                await self._kit.put(self._broker, *ids, queue=queue, hold=600)
            # Nobody reads the answers here.
            self._kit.client.xtrim(f"{{kit}}:replies:{self._broker.front}", maxlen=1000)
            await asyncio.sleep(0.02)


class Watch:
    """Pauses and resumes, and keeps the moments, in microseconds of Redis TIME."""

    def __init__(self, kit: BrokerKit):
        self._kit = kit
        self._control = kit.control()
        self.pauses: list[tuple[int, int, int]] = []  # returned, nothing in flight, resumed

    def _now(self) -> int:
        seconds, micros = self._kit.client.time()
        return seconds * 1_000_000 + micros

    async def pause_once(self) -> None:
        """Between two pauses at least one request starts."""
        self._control.pause(QUEUES, 60, by="test")
        returned = self._now()
        await eventually(lambda: not self._control.stillness(QUEUES).in_flight, "stillness")
        still = self._now()
        await asyncio.sleep(QUIET)
        self.pauses.append((returned, still, self._now()))
        assert self._control.resume(QUEUES) == list(QUEUES)
        await eventually(lambda: self._control.stillness(QUEUES).in_flight >= 10, "work again")


def starts(path) -> list[tuple[int, int]]:
    """Of each execution: claimed at (ms), begun at (us)."""
    return sorted(tuple(map(int, line.split()[:2])) for line in path.read_text().splitlines())


def violations(executions, pauses) -> list[tuple]:
    """Executions that started inside a pause.

    A claim is the start (it can't be taken back), so one made before the pause may begin after it
    has returned; once nothing is in flight nothing at all may begin.
    """
    found = []
    for claimed_ms, begun in executions:
        for returned, still, resumed in pauses:
            begun_still = still <= begun < resumed
            claimed_inside = returned // 1000 < claimed_ms < resumed // 1000
            if begun_still or claimed_inside:
                found.append((claimed_ms, begun, returned, still, resumed))
    return found


async def test_no_execution_starts_inside_a_pause(busy_kit, ledger):
    front_broker = await busy_kit.front_broker(lease=LEASE)
    load = asyncio.create_task(Load(busy_kit, front_broker).run())
    watch = Watch(busy_kit)
    workers = busy_kit.keys.workers
    await eventually(lambda: busy_kit.client.zcard(workers) == PROCESSES * WORKERS_EACH, timeout=60)
    await eventually(lambda: busy_kit.counters().in_flight >= 40, "all at work", timeout=60)
    try:
        for _ in range(PAUSES):
            assert not load.done(), load.exception()
            await watch.pause_once()
    finally:
        load.cancel()
    executions = starts(ledger)
    assert violations(executions, watch.pauses) == []
    spent = sum(resumed - still for _, still, resumed in watch.pauses) / 1e6
    print(
        f"{PAUSES} pauses, {len(executions)} executions, none inside; "
        f"still for {spent:.1f} s of {(watch.pauses[-1][2] - watch.pauses[0][0]) / 1e6:.1f} s"
    )
    assert len(executions) > 10 * PAUSES


def test_the_judge_sees_what_is_wrong():
    pauses = [(1_000_000, 1_050_000, 1_100_000)]
    assert violations([(999, 1_010_000), (1_000, 999_000), (1_101, 1_102_000)], pauses) == []
    assert len(violations([(1_002, 1_003_000)], pauses)) == 1  # claimed after it had returned
    assert len(violations([(999, 1_060_000)], pauses)) == 1  # begun when nothing was in flight
