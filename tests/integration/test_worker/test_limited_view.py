"""A view with a limit (policy ``at_most``), whose workers are killed again and again."""

import os
import random
import signal

import pytest

from queueproxy.records import Held, Lease, parse

from ...brokers import BrokerKit, eventually
from .worker_site import client_of

KILLS = int(os.environ.get("QUEUEPROXY_TEST_KILLS", "50"))
GROUP, AT_MOST = "limited", 2
PROCESSES = 3
STOCK = 12  # requests for the view that run and wait


class Users:
    """Those who ask for the limited view and for others, at a front that lives."""

    def __init__(self, kit: BrokerKit, client):
        self._kit, self._client = kit, client
        self.limited = self.others = 0

    async def ask(self) -> None:
        """See that enough ask, and take what has been answered."""
        front = self._client.front_broker
        await front.beat()
        records = self._kit.client.hvals(self._kit.keys.named("held", front.front))
        for _ in range(STOCK - sum(parse(Held, text).group == GROUP for text in records)):
            self.limited += 1
            seconds = random.choice(("0", "0.02", "0.3"))
            path = f"/limited/l{self.limited}/?seconds={seconds}&group={GROUP}"
            request = self._client.encoded_request(path, group=GROUP, at_most=AT_MOST)
            await self._kit.send(front, request)
        if await front.replies.catch_up():
            await front.replies.read()

    async def ask_for_another_view(self) -> None:
        self.others += 1
        await self._client.ask(f"/run/o{self.others}/")

    async def one_that_runs_it(self) -> int | None:
        """A process id, once enough ask."""
        await self.ask()
        return random.choice(self.running() or [None])

    def running(self) -> list[int]:
        """Process ids of those that run the limited view."""
        leases = self._kit.client.hgetall(self._kit.keys.leases)
        slots = [slot for slot, text in leases.items() if parse(Lease, text).group == GROUP]
        return [int(slot.decode().split(":")[1]) for slot in slots]


@pytest.fixture
async def kit(broker):
    kit = BrokerKit(broker.url, namespace="queueproxy")
    yield kit
    await kit.close()


async def test_never_more_at_once_than_may(workers, kit, tmp_path):
    for number in range(AT_MOST):
        (tmp_path / f"place{number}").touch()
    urls = "tests.integration.test_worker.limited_urls"
    options = ("--processes", str(PROCESSES), "--threads", "2")
    workers.start(*options, number=PROCESSES, PROBE_URLCONF=urls, LIMITED_PLACES=str(tmp_path))
    client = await client_of(kit)
    users = Users(kit, client)
    for _ in range(KILLS):
        await users.ask_for_another_view()
        pid = await eventually(users.one_that_runs_it, "one runs the view", timeout=60)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda pid=pid: pid not in users.running(), "its lease has ended")

    async def at_rest() -> bool:
        await client.front_broker.beat()
        counters = kit.counters()
        return counters.waiting == counters.in_flight == 0

    await eventually(at_rest, "all have been answered", timeout=60)
    assert not (tmp_path / "violations").exists(), (tmp_path / "violations").read_text()
    runs = [line for line in workers.runs() if line.startswith("l")]
    assert len(runs) > KILLS
    assert {line.split()[0] for line in runs} <= {f"l{n + 1}" for n in range(users.limited)}
    assert kit.recount() == []
    assert kit.client.hgetall(kit.keys.groups) == {}
