"""A view with a limit (policy ``at_most``), whose workers are killed again and again."""

import asyncio
import os
import random
import signal
import subprocess
import sys

import pytest

from queueproxy.records import Held, Lease, parse

from ...brokers import BrokerKit, eventually
from ...kit.processes import ROOT
from .worker_site import client_of

KILLS = int(os.environ.get("QUEUEPROXY_TEST_KILLS", "50"))
GROUP, AT_MOST = "limited", 2
PROCESSES, THREADS = 3, 2
STOCK = 12  # requests for the view that run and wait
SECONDS = 0.1  # that it runs


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
            path = f"/limited/l{self.limited}/?seconds={SECONDS}&group={GROUP}"
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
        """Process ids of those that have it claimed."""
        leases = self._kit.client.hgetall(self._kit.keys.leases)
        slots = [slot for slot, text in leases.items() if parse(Lease, text).group == GROUP]
        return [int(slot.decode().split(":")[1]) for slot in slots]


@pytest.fixture
async def kit(broker):
    kit = BrokerKit(broker.url, namespace="queueproxy")
    yield kit
    await kit.close()


@pytest.fixture
def workers(broker, tmp_path):
    """See forked_workers.py; the places of the view, and the ledger of what ran."""
    for number in range(AT_MOST):
        (tmp_path / f"place{number}").touch()
    (tmp_path / "ledger").touch()
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.probe.settings",
        "PROBE_URLCONF": "tests.integration.test_worker.limited_urls",
        "PROBE_LEDGER": str(tmp_path / "ledger"),
        "LIMITED_PLACES": str(tmp_path),
    }
    module = "tests.integration.test_worker.forked_workers"
    words = (sys.executable, "-m", module, broker.url_of("worker"), str(PROCESSES), str(THREADS))
    process = subprocess.Popen(words, cwd=ROOT, env=environ)
    yield process
    process.terminate()
    process.wait(20)


async def test_never_more_at_once_than_may(workers, kit, tmp_path):
    client = await client_of(kit)
    users = Users(kit, client)
    for _ in range(KILLS):
        await users.ask_for_another_view()
        pid = await eventually(users.one_that_runs_it, "one runs the view", timeout=60)
        await asyncio.sleep(random.random() * SECONDS)  # at any moment of it, or behind it
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda pid=pid: pid not in users.running(), "its lease has ended")

    async def at_rest() -> bool:
        await client.front_broker.beat()
        counters = kit.counters()
        return counters.waiting == counters.in_flight == 0

    await eventually(at_rest, "all have been answered", timeout=60)
    assert not (tmp_path / "violations").exists(), (tmp_path / "violations").read_text()
    runs = [line.split()[0] for line in (tmp_path / "ledger").read_text().splitlines()]
    limited = [nonce for nonce in runs if nonce.startswith("l")]
    assert len(limited) > KILLS
    assert len(set(runs)) > KILLS + users.others / 2
    assert kit.recount() == []
    assert kit.client.hgetall(kit.keys.groups) == {}
