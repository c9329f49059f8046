"""What enqueue did not put there, what is not what it was, and what a later release wrote."""

import pytest

from queueproxy.broker.seat import Settlement
from queueproxy.exceptions import DecodeError, UnknownVersion

from ..brokers import answer, ids_of

STREAM = ("queue", "default")


def reasons(office) -> list[str]:
    return [letter.reason for letter in office.control().dead_letters()]


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
async def test_a_strangers_entry_is_put_away(office, fields):
    desk = await office.desk()
    office.client.xadd(office.keys.named(*STREAM), fields)
    await office.put(desk, "a")
    office.client.xadd(office.keys.named(*STREAM), fields)
    await office.put(desk, "b")
    assert ids_of(office.seat()) == ["a", "b"]
    assert reasons(office) == ["unregistered"] * 2
    assert office.counters() == office.there()
    assert office.counters().waiting == office.counters().bytes == 0


async def test_many_strangers_do_not_hold_a_turn_up(office):
    desk = await office.desk()
    for _ in range(200):
        office.client.xadd(office.keys.named(*STREAM), {"x": "y"})
    await office.put(desk, "a")
    assert ids_of(office.seat()) == ["a"]


@pytest.mark.parametrize("when", ["waiting", "in flight", "over"])
async def test_a_copy_is_not_run(office, when):
    """Replayed by somebody who can write to the broker but not sign."""
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "a")
    ((_, fields),) = office.client.xrange(office.keys.named(*STREAM))
    claim = seat.turn(None) if when != "waiting" else None
    if when == "over":
        seat.turn(answer(claim), claim=False)
    office.client.xadd(office.keys.named(*STREAM), fields)
    await office.put(desk, "b")
    assert ids_of(office.seat()) == (["a", "b"] if when == "waiting" else ["b"])
    assert reasons(office) == ["unregistered"]
    if when == "in flight":
        seat.turn(answer(claim))
    assert await office.answers(desk) == {"a": ["200"], "b": ["200"]}


@pytest.mark.parametrize("field", ["h", "b", "s"])
async def test_an_altered_request_is_refused(office, field):
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "b", body=b"body")
    await _rewrite(office, "b", {field: b"forged"})
    claim = seat.turn(None)
    with pytest.raises(DecodeError):
        seat.open(claim)
    assert seat.turn(Settlement(claim, "malformed")) is None
    assert await office.answers(desk) == {"b": ["malformed"]}
    assert reasons(office) == ["malformed"]


async def test_meta_that_contradicts_the_signed_head_is_refused(office):
    """The policy the scripts act on (how often, for whom) must be the one that was signed."""
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "post", most=1)
    ((_, fields),) = office.client.xrange(office.keys.named(*STREAM))
    await _rewrite(office, "post", {"m": fields[b"m"].rpartition(b" ")[0] + b" 9"})
    with pytest.raises(DecodeError):
        seat.open(seat.turn(None))


async def _rewrite(office, id: str, changed: dict) -> None:
    """Put an altered entry in the place of a registered one."""
    stream, held = office.keys.named(*STREAM), office.keys.named("held", "front-1")
    ((entry, fields),) = office.client.xrange(stream)
    forged = office.client.xadd(stream, fields | {k.encode(): v for k, v in changed.items()})
    office.client.hset(held, id, office.client.hget(held, id).replace(entry, forged))
    office.client.xdel(stream, entry)


class TestUnknownVersion:
    """A request of the next release waits for a worker of it, and holds nobody up."""

    async def _put_new(self, office, desk, monkeypatch, *ids):
        with monkeypatch.context() as later:
            later.setattr("queueproxy.broker.desk.WIRE_VERSION", "2")
            await office.put(desk, *ids)

    async def test_waits_for_a_worker_that_knows_it(self, office, monkeypatch):
        desk, seat = await office.desk(), office.seat()
        await self._put_new(office, desk, monkeypatch, "new1")
        await office.put(desk, "old1")
        await self._put_new(office, desk, monkeypatch, "new2")
        await office.put(desk, "old2")
        assert ids_of(seat) == ["old1", "old2"]
        assert office.counters().waiting == 2
        assert seat.turn(None) is None
        assert reasons(office) == []
        monkeypatch.setattr("queueproxy.broker.seat.WIRE_VERSION", "2")
        claim = seat.turn(None)
        with pytest.raises(UnknownVersion):
            seat.open(claim)
        assert [claim.id, *_rest(seat, claim)] == ["new1", "new2"]
        assert office.counters() == office.there()
        assert office.left() <= {"workers", "worker", "fronts", "front", "replies"}

    async def test_wakes_nobody_who_cannot_run_it(self, office, monkeypatch):
        desk, seat = await office.desk(), office.seat()
        await self._put_new(office, desk, monkeypatch, "new")
        assert seat.turn(None) is None
        office.client.delete(office.keys.named("bell", "default"))
        await desk.beat()
        assert not office.client.exists(office.keys.named("bell", "default"))

    async def test_withdrawn_while_parked(self, office, monkeypatch):
        desk, seat = await office.desk(), office.seat()
        await self._put_new(office, desk, monkeypatch, "new")
        assert seat.turn(None) is None
        assert await desk.withdraw(["new"]) == ["withdrawn"]
        assert office.client.keys(office.keys.named("parked", "*")) == []
        await office.put(desk, "old")
        assert ids_of(seat) == ["old"]
        assert office.counters() == office.there()

    async def test_its_front_goes(self, office, monkeypatch):
        desk, seat = await office.desk(), office.seat()
        await self._put_new(office, desk, monkeypatch, "new")
        assert seat.turn(None) is None
        await desk.leave()
        assert office.counters() == office.there()
        assert office.counters().bytes == 0
        assert office.client.keys(office.keys.named("parked", "*")) == []


def _rest(seat, claim):
    ids = []
    while claim := seat.turn(answer(claim)):
        ids.append(claim.id)
    return ids
