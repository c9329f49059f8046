"""What people do at the broker: pause, resume at a rate, look at who waits, dead letters."""

import pytest

from queueproxy.exceptions import BrokerUnavailable

from ..brokers import QUEUES, answer, eventually, ids_of


def state_of(office) -> dict:
    """All that the broker keeps but its clock-like fields."""
    return office.client.hgetall(office.keys.state)


async def test_still_is_paused_with_nothing_in_flight(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    assert control.stillness(QUEUES) == (False, 0)
    await office.put(desk, "a")
    claim = seat.turn(None)
    control.pause(QUEUES, 60, by="test")
    assert control.stillness(QUEUES) == (True, 1)
    assert control.stillness(["high"]) == (True, 0)
    seat.turn(answer(claim))
    assert control.stillness(QUEUES) == (True, 0)
    control.resume(["low"])
    assert control.stillness(QUEUES) == (False, 0)


async def test_resume_of_what_is_not_paused_changes_nothing(office):
    control, desk = office.control(), await office.desk()
    await office.put(desk, "a")
    control.pause(["high"], 60, by="test")
    before = state_of(office)
    assert control.resume(["low", "default"], rate=5) == []
    assert control.resume(["low", "default"]) == []
    assert state_of(office) == before


async def test_a_pace_can_be_changed_and_ended(office):
    control, desk = office.control(), await office.desk()
    control.pause(["default"], 60, by="test")
    await office.put(desk, *(f"r{n}" for n in range(5)))
    assert control.resume(["default"], rate=0.01) == ["default"]
    seat = office.seat()
    assert len(ids_of(seat)) == 1  # the next in 100 s
    assert control.resume(["default"], rate=0.02) == ["default"]
    assert len(ids_of(seat)) == 1
    assert control.resume(["default"]) == ["default"]
    assert len(ids_of(seat)) == 3
    assert control.resume(["default"]) == []


async def test_a_pause_at_a_pace_keeps_the_pace_for_after(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    control.pause(["default"], 60, by="test")
    await office.put(desk, "a", "b", "c")
    control.resume(["default"], rate=0.01)
    control.pause(["default"], 0.05, by="test")
    assert ids_of(seat) == []
    await eventually(lambda: not control.paused(["default"]))
    assert ids_of(seat) == ["a"]


async def test_those_handed_back_are_the_oldest(office):
    control, desk = office.control(), await office.desk()
    await office.put(desk, "a", "b", "c")
    drained = office.member()
    seats = [office.seat(drained, number) for number in range(2)]
    claims = [seat.turn(None) for seat in seats]
    for seat, claim in zip(seats, claims, strict=True):
        released = answer(claim)._replace(outcome="released", frame=None)
        seat.turn(released, claim=False)
    oldest = control.oldest(QUEUES, 2)
    assert [waiting.path for waiting in oldest] == ["/a", "/b"]
    assert control.turn_away("default", oldest[0].entry)
    assert [waiting.path for waiting in control.oldest(QUEUES, 10)] == ["/b", "/c"]
    assert ids_of(office.seat()) == ["b", "c"]
    assert control.oldest(QUEUES, 10) == []


async def test_what_is_in_flight_does_not_wait(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    await office.put(desk, "a", "b")
    seat.turn(None)
    assert [waiting.path for waiting in control.oldest(QUEUES, 10)] == ["/b"]


async def test_dead_letters(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    await office.put(desk, "a", "b", body=b"what was sent")
    for _ in range(2):
        claim = seat.turn(None)
        refused = answer(claim)._replace(outcome="malformed", frame=None)
        seat.turn(refused, claim=False)
    newest, oldest = control.dead_letters()
    assert (newest.request, oldest.request) == ("b", "a")
    assert (oldest.reason, oldest.queue, oldest.body) == ("malformed", "default", b"what was sent")
    assert control.dead_letter(oldest.id) == oldest
    assert control.discard(oldest.id)
    assert not control.discard(oldest.id)
    assert control.dead_letter(oldest.id) is None
    assert control.dead_letter("no such id") is None
    assert control.dead_letters() == [newest]


async def test_a_broker_that_is_away_is_said_to_be(office, broker):
    control = office.control()
    broker.kill()
    try:
        for ask in (
            lambda: control.pause(QUEUES, 60, by="test"),
            lambda: control.resume(QUEUES),
            lambda: control.stillness(QUEUES),
            lambda: control.oldest(QUEUES, 1),
            lambda: control.dead_letters(),
            lambda: control.discard("1-1"),
        ):
            with pytest.raises(BrokerUnavailable):
                ask()
    finally:
        broker.start()
    assert control.stillness(QUEUES) == (False, 0)
