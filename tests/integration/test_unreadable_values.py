"""Whatever somebody wrote into the broker: what people look at is there, and says so."""

import json

import pytest

from queueproxy.broker.link.links import Link
from queueproxy.broker.observe.history import WINDOWS, as_columns, read_deploys, read_history
from queueproxy.broker.observe.metrics import exposition
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.observe.snapshot import Snapshot
from queueproxy.broker.observe.troubles import troubles
from queueproxy.broker.operate.control import Control
from queueproxy.cli import screen
from queueproxy.front import status_page
from queueproxy.records import Lease, pack, parse
from queueproxy.worker.lost_worker import held_by

from ..brokers import QUEUES, BrokerKit, answer

MAX_HOLD = 60.0
DEEP = b"[" * 700 + b"]" * 700  # msgspec reads it; what walks it in Python does not
GARBAGE = (
    *(b"", b"x", b"\xff\xfe", b"null", b"[]", b"{}", b'"\\ud800"', b"NaN", b"inf", b"-1"),
    *(b"1e999999", b"9" * 400, b"9" * 5000, b"1e-320", b"[" * 100_000, b'{"a":' * 5000 + b"1"),
    *(
        b'{"host":' + DEEP + b"}",
        b'{"by":' + DEEP + b"}",
        b'{"since":1e300,"ends":1e300}',
        b'{"name":1,"threads":"x"}',
    ),
    b'{"extra":' + DEEP + b"}",
    b'{"t":' + b"9" * 400 + b',"q":{}}',
    b'{"t":1e3,"q":{"default":[]}}',
    b'{"t":5,"q":{"default":[1,1,1,1,1,[1,2]]}}',
    b'{"method":' + DEEP + b"}",
)


@pytest.fixture
def link(kit) -> Link:
    """What everything is read by."""
    return kit.link()


def snapshot_of(link: Link) -> Snapshot:
    return SnapshotReader(link, QUEUES).snapshot()


def shown(link: Link) -> Snapshot:
    """Show all of it in each way there is."""
    snapshot = snapshot_of(link)
    status = status_page.as_json(snapshot)
    assert not {"NaN", "Infinity"} & set(status.replace(",", " ").split())
    screen.as_text(screen.screen(snapshot, MAX_HOLD))
    status_page.as_html(snapshot, MAX_HOLD)
    exposition(snapshot).encode()
    control = Control(link)
    control.pauses(QUEUES)
    control.oldest(QUEUES, 10)
    for name in ("15m", "1h", "1d"):  # a series each
        window = WINDOWS[name]
        as_columns(read_history(link, window, snapshot.now), QUEUES, window.step)
    read_deploys(link, 0)
    return snapshot


async def something_of_everything(kit: BrokerKit) -> None:
    """Fill every key that is read for people."""
    front_broker, registration = await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "a", "b", "c", "d")
    await kit.put(front_broker, "e", "f", group="g", at_most=1)
    worker_broker = kit.worker_broker(registration)
    worker_broker.settle_and_claim(None)
    kit.worker_broker(registration, 1).settle_and_claim(None)
    worker_broker.counts.report(registration.worker)
    kit.control().pause(["low"], 60, by="somebody", reason="why")
    kit.link().script("sample", *QUEUES)


async def test_one_counter_that_is_no_number(kit, link):
    await something_of_everything(kit)
    whole = shown(link)
    assert whole.unreadable == 0
    assert whole.as_status()["broker"]["unreadable_values"] == 0
    kit.client.hset(kit.keys.named("stats", "default"), "enqueued", "x")
    told = shown(link)
    assert told.as_status()["broker"]["unreadable_values"] == 1
    texts = [trouble.text for trouble in troubles(told, MAX_HOLD)]
    assert "1 value in the broker could not be read: somebody wrote there." in texts
    assert told.queues[1].depth == whole.queues[1].depth
    assert told.workers[0]["current"]
    assert told.fronts[0]["held"] == 6


def test_several_are_one_line(kit, link):
    for name in (b"\xff", b"\xfe"):
        kit.client.zadd(kit.keys.fronts, {name: 9e15})
    kit.client.zadd(kit.keys.workers, {b"\xff": 9e15})
    told = snapshot_of(link)
    assert told.fronts == told.workers == []
    texts = [trouble.text for trouble in troubles(told, MAX_HOLD)]
    assert "3 values in the broker could not be read: somebody wrote there." in texts


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda raw: repr(raw[:24]))
async def test_garbage_in_every_field(kit, link, garbage):
    """Each field of each hash, one after the other, holds what nobody of ours wrote."""
    await something_of_everything(kit)
    client = kit.client
    hashes = [key for key in client.keys("*") if client.type(key) == b"hash"]
    for key in hashes:
        for field, value in client.hgetall(key).items():
            if (key.decode(), field) == (kit.keys.state, b"schema"):
                continue
            client.hset(key, field, garbage)
            shown(link)
            client.hset(key, field, value)
        client.hset(key, garbage or b"e", garbage)
        shown(link)
        client.hdel(key, garbage or b"e")


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda raw: repr(raw[:24]))
async def test_garbage_among_the_members(kit, link, garbage):
    await something_of_everything(kit)
    client, named = kit.client, kit.keys.named
    sets = [kit.keys.fronts, kit.keys.workers, kit.keys.holds]
    sets += [named("returned", "default"), named("line", "g")]
    for key in sets:
        client.zadd(key, {garbage: 0})
        shown(link)
        client.zrem(key, garbage)
    for series in ("1", "10", "300", "deploys"):
        for push in (client.rpush, client.lpush):
            push(named("history", series), garbage)
            shown(link)
    for key in (kit.keys.dead, named("queue", "default")):
        client.xadd(key, dict.fromkeys((b"h", b"c", b"m", b"at", garbage), garbage))
        shown(link)


async def test_keys_of_another_type(kit, link):
    await something_of_everything(kit)
    client = kit.client
    for key in client.keys("*"):
        if key.decode() == kit.keys.state:
            continue
        kept = client.dump(key)
        client.delete(key)
        client.set(key, "x")
        shown(link)
        client.delete(key)
        client.restore(key, 0, kept)


async def test_a_lease_of_an_entry_that_is_none(kit, link):
    await something_of_everything(kit)
    first, _ = sorted(kit.client.hgetall(kit.keys.leases).items())
    odd = parse(Lease, first[1])._replace(entry="nonsense")
    kit.client.hset(kit.keys.leases, first[0], pack(odd))
    told = shown(link)
    assert told.unreadable == 1
    assert [now["path"] for now in told.workers[0]["current"]] == ["/b"]
    kit.client.hset(kit.keys.leases, b"\xff/0", b"\xff")
    assert len(held_by(link, told.workers[0]["id"])) == 1


async def test_what_a_later_release_tells_of_a_worker_is_passed_on(kit, link):
    registration = kit.registration()
    info = {"host": "h", "pid": 1, "threads": 2, "colour": "blue"}
    kit.client.hset(kit.keys.named("worker", registration.worker), "info", json.dumps(info))
    (worker,) = snapshot_of(link).workers
    assert (worker["threads"], worker["colour"]) == (2, "blue")


async def test_statistics_that_are_none_stop_nothing_and_begin_anew(kit, link):
    front_broker = await kit.front_broker()
    worker = kit.worker_broker()
    name = kit.keys.named("stats", "default")

    async def run_one(id: str) -> None:
        await kit.put(front_broker, id)
        worker.settle_and_claim(answer(worker.settle_and_claim(None)), claim=False)
        worker.counts.report(worker.worker)

    await run_one("a")
    counted = kit.client.hgetall(name)
    assert counted
    kit.client.hset(name, mapping=dict.fromkeys(counted, "x"))
    await run_one("b")
    assert await kit.answers(front_broker) == {"a": ["200"], "b": ["200"]}
    assert kit.client.hget(name, "enqueued") == b"1"
    assert b"x" not in kit.client.hgetall(name).values()
    assert kit.recount() == []
