"""`release smoke` and its like: what the command is told, and that nobody else counts it."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.observe.metrics import exposition
from queueproxy.broker.observe.processes import read_fronts
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.observe.troubles import troubles
from queueproxy.broker.observe.values import ValueReader
from queueproxy.broker.operate.releases import Releases
from queueproxy.broker.operate.smoke import Outcome, Smoke
from queueproxy.broker.own_release import OwnRelease
from queueproxy.cli.smoke import _difference, _told
from queueproxy.envelopes import Frame, ReplyHead

from ..brokers import QUEUES, SECRETS, answer, eventually, part

OLD, NEW = OwnRelease("old", 1), OwnRelease("new", 1)
STREAMS_FOR = 0.3  # seconds


def worker(kit, release: OwnRelease):
    """A thread of a worker of its own."""
    return kit.worker_broker(kit.registration(release=release))


def shown(kit):
    return SnapshotReader(kit.link(), QUEUES).snapshot()


def words(kit) -> list[str]:
    return [trouble.text for trouble in troubles(shown(kit), 60)]


def counted(kit) -> dict[str, int]:
    """All that is counted of the queue but zeros."""
    return {name: number for name, number in shown(kit).queues[1].totals.items() if number}


@asynccontextmanager
async def trial(kit, patience: float = 20):
    """What is asked of the new release, under way; it is over at the end."""
    smoke = Smoke(
        kit.broker, "default", QUEUES, SECRETS, headers=[], scheme="http", patience=patience
    )
    asked = asyncio.create_task(smoke.get("new", "/page/"))
    try:
        yield asked
    finally:
        asked.cancel()
        await asyncio.wait([asked])


async def claimed(by):
    """The trial, once this thread has it."""
    found = []

    def take() -> bool:
        claim = by.settle_and_claim(None)
        found.extend([claim] if claim else [])
        return bool(found)

    await eventually(take, "it is claimed")
    return found[0]


def redirect(claim, to: str) -> Settlement:
    head = ReplyHead(claim.id, claim.attempt, 0, status=302, headers=[("Location", to)])
    return Settlement(claim, "answered", Frame(head, b""), "GET", 0.001, 302)


# What others see.


async def test_who_tries_a_release_out_is_no_front_and_its_worker_serves_nobody(kit):
    new = worker(kit, NEW)
    assert Releases(kit.link()).activate("old", keep=60, force=True).what == "done"
    alone = words(kit)
    assert any(text.startswith("No front: ") for text in alone)
    assert any(text.startswith("All workers stand by: ") for text in alone)
    async with trial(kit):
        await claimed(new)
        found = shown(kit)
        assert found.fronts == found.serving == []
        assert (found.workers[0]["state"], len(found.workers[0]["current"])) == ("standby", 1)
        assert words(kit) == alone
        assert 'queueproxy_workers{state="standby"} 1' in exposition(found)
        ids = [id.decode() for id in kit.client.zrange(kit.keys.fronts, 0, -1)]
        assert len(ids) == 1
        assert read_fronts(ValueReader(kit.link()), ids, 0.0) == []


async def test_nor_does_the_view_that_it_left_behind(kit):
    new = worker(kit, NEW)
    Releases(kit.link()).activate("old", keep=60, force=True)
    async with trial(kit, patience=3) as asked:
        await claimed(new)
        assert (await asked).problem == "no whole answer within 3 s"
    assert shown(kit).serving == []


async def test_one_that_ends_what_it_had_claimed_before_is_busy_still(kit):
    old = worker(kit, OLD)
    worker(kit, NEW)
    front = await kit.front_broker()
    await kit.put(front, "a")
    assert old.settle_and_claim(None).id == "a"
    Releases(kit.link()).activate("new", keep=60)
    assert {one["release"]: one["state"] for one in shown(kit).workers} == {
        "old": "busy",
        "new": "idle",
    }


async def test_without_an_active_release_a_trial_makes_none_serve(kit):
    plain, new = worker(kit, OwnRelease("plain", 0)), worker(kit, NEW)
    async with trial(kit):
        await claimed(new)
        states = {release.name: release.state for release in shown(kit).releases}
        assert states == {"plain": "serving", "new": "standby"}
        kit.link().script("worker_reap", plain.worker)
        states = {release.name: release.state for release in shown(kit).releases}
        assert states == {"new": "standby"}


# What it counts in.


async def test_one_that_nobody_takes_counts_in_nothing(kit):
    worker(kit, OLD)
    worker(kit, NEW)
    async with trial(kit, patience=0.5) as asked:
        assert (await asked).problem == "no worker of it took this within 0.5 s"
    assert counted(kit) == {}


async def test_nor_where_it_was_handed_back(kit):
    worker(kit, OLD)
    new = worker(kit, NEW)
    async with trial(kit, patience=3) as asked:
        claim = await claimed(new)
        released = answer(claim)._replace(outcome="released", frame=None)
        new.settle_and_claim(released, claim=False)
        assert (await asked).problem == "no worker of it took this within 3 s"
    assert counted(kit) == {}


@pytest.mark.parametrize("how", ["person", "front lost", "hold", "hold of a lost front", "full"])
async def test_nor_however_else_it_ends(kit, how):
    worker(kit, OLD)
    new = worker(kit, NEW)
    front = await kit.front_broker(lease=0.1 if "lost" in how else None)
    kit.limits = kit.limits._replace(depth=0)
    full = await kit.front_broker("full")
    sender = full if how == "full" else front
    await kit.put(sender, "trial", release="new", most=1, hold=0.1 if "hold" in how else 60)
    if how == "person":
        (entry, _), *_ = kit.client.xrange(kit.keys.named("queue", "default"))
        assert kit.link().script("operator_withdraw", "default", entry) == [b"ok"]
    elif how == "front lost":
        await kit.lease_time_after(kit.clock_ms() + 300)
        await full.beat()
    elif "hold" in how:
        await kit.lease_time_after(kit.clock_ms() + 300)
        assert new.settle_and_claim(None) is None
    assert kit.counters().waiting == 0
    assert counted(kit) == {}


async def test_nor_where_its_worker_can_not_read_it(kit):
    worker(kit, OLD)
    new = worker(kit, NEW)
    async with trial(kit) as asked:
        claim = await claimed(new)
        refused = answer(claim)._replace(outcome="misrouted", frame=None)
        new.settle_and_claim(refused, claim=False)
        assert (await asked).problem == "routes of another release"
    assert counted(kit) == {}


# What the command is told.


@pytest.mark.parametrize("begun", [False, True])
async def test_a_lost_worker_has_words(kit, begun):
    worker(kit, OLD)
    new = worker(kit, NEW)
    async with trial(kit) as asked:
        claim = await claimed(new)
        if begun:
            new.push(claim, part(claim, 0))
        kit.link().script("worker_reap", new.worker)
        outcome = await asked
    assert outcome.failed
    text = "200, then its worker was lost" if begun else "- its worker was lost"
    assert _told(outcome) == text


async def test_the_time_of_a_stream_is_until_its_end(kit):
    worker(kit, OLD)
    new = worker(kit, NEW)
    async with trial(kit) as asked:
        claim = await claimed(new)
        new.push(claim, part(claim, 0))
        began = time.monotonic()
        await eventually(lambda: time.monotonic() > began + STREAMS_FOR)
        settled = answer(claim)
        last = ReplyHead(claim.id, claim.attempt, 1)
        new.settle_and_claim(settled._replace(frame=Frame(last, b"end")), claim=False)
        outcome = await asked
    assert (outcome.status, outcome.size, outcome.problem) == (200, 7, "")
    assert STREAMS_FOR <= outcome.seconds < 20


async def test_a_redirect_tells_where_it_leads(kit):
    worker(kit, OLD)
    new = worker(kit, NEW)
    async with trial(kit) as asked:
        claim = await claimed(new)
        new.settle_and_claim(redirect(claim, "/there/"), claim=False)
        outcome = await asked
    assert outcome.location == "/there/"
    assert _difference(outcome, outcome) == "same"
    assert _difference(outcome, outcome._replace(location="/elsewhere/")) == "other location"
    assert _difference(outcome, Outcome(200)) == "other status"
    assert _difference(outcome, outcome._replace(digest="x")) == "other body"


async def test_a_pause_that_began_meanwhile_is_named(kit):
    worker(kit, OLD)
    worker(kit, NEW)
    kit.control().pause(("default",), 60, by="me")
    async with trial(kit, patience=0.5) as asked:
        assert (await asked).problem == "default is paused: not run within 0.5 s"
