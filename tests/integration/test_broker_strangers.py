"""What enqueue did not put there, what is not what it was, and what a later release wrote."""

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.exceptions import DecodeError, UnknownVersion
from queueproxy.records import Held, Meta, pack, parse

from ..brokers import answer, ids_of

STREAM = ("queue", "default")


def reasons(kit) -> list[str]:
    return [letter.reason for letter in kit.control().dead_letters()]


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "y"},
        {"m": "not what it should be"},
        {"m": "id front -1 5 0 2", "v": "1"},
        {"m": "id front 60000 5 0 2", "v": "1", "h": "{}", "b": "", "s": ""},
        {"m": b"\xff\xfe\x00", "v": b"\xff", "h": b"\x00" * 1000},
    ],
)
async def test_a_strangers_entry_is_put_away(kit, fields):
    front_broker = await kit.front_broker()
    kit.client.xadd(kit.keys.named(*STREAM), fields)
    await kit.put(front_broker, "a")
    kit.client.xadd(kit.keys.named(*STREAM), fields)
    await kit.put(front_broker, "b")
    assert ids_of(kit.worker_broker()) == ["a", "b"]
    assert reasons(kit) == ["unregistered"] * 2
    assert len(await front_broker.replies.read()) == 2
    await front_broker.replies.trim()
    assert kit.counters() == kit.there()
    assert kit.counters().waiting == kit.counters().bytes == 0


async def test_many_strangers_do_not_hold_a_turn_up(kit):
    front_broker = await kit.front_broker()
    for _ in range(200):
        kit.client.xadd(kit.keys.named(*STREAM), {"x": "y"})
    await kit.put(front_broker, "a")
    assert ids_of(kit.worker_broker()) == ["a"]


@pytest.mark.parametrize("when", ["waiting", "in flight", "over"])
async def test_a_copy_is_not_run(kit, when):
    """Replayed by somebody who can write to the broker but not sign."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    ((_, fields),) = kit.client.xrange(kit.keys.named(*STREAM))
    claim = worker_broker.settle_and_claim(None) if when != "waiting" else None
    if when == "over":
        worker_broker.settle_and_claim(answer(claim), claim=False)
    kit.client.xadd(kit.keys.named(*STREAM), fields)
    await kit.put(front_broker, "b")
    assert ids_of(kit.worker_broker()) == (["a", "b"] if when == "waiting" else ["b"])
    assert reasons(kit) == ["unregistered"]
    if when == "in flight":
        worker_broker.settle_and_claim(answer(claim))
    assert await kit.answers(front_broker) == {"a": ["200"], "b": ["200"]}


@pytest.mark.parametrize("field", ["h", "b", "s"])
async def test_an_altered_request_is_refused(kit, field):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "b", body=b"body")
    await _rewrite(kit, "b", {field: b"forged"})
    claim = worker_broker.settle_and_claim(None)
    with pytest.raises(DecodeError):
        worker_broker.open(claim)
    assert worker_broker.settle_and_claim(Settlement(claim, "malformed")) is None
    assert await kit.answers(front_broker) == {"b": ["malformed"]}
    assert reasons(kit) == ["malformed"]


async def test_meta_that_contradicts_the_signed_head_is_refused(kit):
    """The policy the scripts act on (how often, for whom) must be the one that was signed."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "post", most=1)
    ((_, fields),) = kit.client.xrange(kit.keys.named(*STREAM))
    await _rewrite(kit, "post", {"m": pack(parse(Meta, fields[b"m"])._replace(max_attempts=9))})
    with pytest.raises(DecodeError):
        worker_broker.open(worker_broker.settle_and_claim(None))


async def _rewrite(kit, id: str, changed: dict) -> None:
    """Put an altered entry in the place of a registered one."""
    stream, held = kit.keys.named(*STREAM), kit.keys.named("held", "front-1")
    ((entry, fields),) = kit.client.xrange(stream)
    forged = kit.client.xadd(stream, fields | {k.encode(): v for k, v in changed.items()})
    record = parse(Held, kit.client.hget(held, id))
    kit.client.hset(held, id, pack(record._replace(entry=forged.decode())))
    kit.client.xdel(stream, entry)


class TestUnknownVersion:
    """A request of the next release waits for a worker of it, and holds nobody up."""

    async def _put_new(self, kit, front_broker, monkeypatch, *ids):
        with monkeypatch.context() as later:
            later.setattr("queueproxy.broker.encoded_request.WIRE_VERSION", "4")
            await kit.put(front_broker, *ids)

    async def test_waits_for_a_worker_that_knows_it(self, kit, monkeypatch):
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await self._put_new(kit, front_broker, monkeypatch, "new1")
        await kit.put(front_broker, "old1")
        await self._put_new(kit, front_broker, monkeypatch, "new2")
        await kit.put(front_broker, "old2")
        assert ids_of(worker_broker) == ["old1", "old2"]
        assert kit.counters().waiting == 2
        assert worker_broker.settle_and_claim(None) is None
        assert reasons(kit) == []
        monkeypatch.setattr("queueproxy.broker.slot.WIRE_VERSION", "4")
        claim = worker_broker.settle_and_claim(None)
        with pytest.raises(UnknownVersion):
            worker_broker.open(claim)
        assert [claim.id, *_rest(worker_broker, claim)] == ["new1", "new2"]
        assert kit.counters() == kit.there()
        assert kit.left() <= {"workers", "worker", "fronts", "front", "replies"}

    async def test_wakes_nobody_who_cannot_run_it(self, kit, monkeypatch):
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await self._put_new(kit, front_broker, monkeypatch, "new")
        assert worker_broker.settle_and_claim(None) is None
        kit.client.delete(kit.keys.named("bell", "default"))
        await front_broker.beat()
        assert not kit.client.exists(kit.keys.named("bell", "default"))

    async def test_withdrawn_while_parked(self, kit, monkeypatch):
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await self._put_new(kit, front_broker, monkeypatch, "new")
        assert worker_broker.settle_and_claim(None) is None
        assert await front_broker.withdraw(["new"]) == ["withdrawn"]
        assert kit.client.keys(kit.keys.named("parked", "*")) == []
        await kit.put(front_broker, "old")
        assert ids_of(worker_broker) == ["old"]
        assert kit.counters() == kit.there()

    async def test_its_front_goes(self, kit, monkeypatch):
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await self._put_new(kit, front_broker, monkeypatch, "new")
        assert worker_broker.settle_and_claim(None) is None
        await front_broker.leave()
        assert kit.counters() == kit.there()
        assert kit.counters().bytes == 0
        assert kit.client.keys(kit.keys.named("parked", "*")) == []


def _rest(worker_broker, claim):
    ids = []
    while claim := worker_broker.settle_and_claim(answer(claim)):
        ids.append(claim.id)
    return ids
