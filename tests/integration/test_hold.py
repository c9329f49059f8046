"""The pause of a hold: renewed, ended, and never at a person's cost."""

import asyncio

import pytest

from queueproxy.broker.hold import Hold

from ..brokers import QUEUES, eventually, ids_of


def hold_of(office, seconds: float = 60.0) -> Hold:
    return Hold(office.link(), QUEUES, seconds, by="deploy", reason="migrate")


async def test_it_pauses_and_lets_go(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    hold = hold_of(office)
    assert hold.keep() == ([], True)
    await office.put(desk, "a")
    assert control.paused(QUEUES)
    assert ids_of(seat) == []
    assert hold.keep() == ([], False)
    assert hold.end() == list(QUEUES)
    assert ids_of(seat) == ["a"]
    assert hold.end() == []
    assert not office.client.exists(office.keys.pauses)


async def test_its_end_wakes_an_idle_worker(office):
    hold, desk, seat = hold_of(office), await office.desk(), office.seat()
    hold.keep()
    waiting = asyncio.create_task(asyncio.to_thread(seat.wait))
    await office.put(desk, "a")
    hold.end()
    assert (await asyncio.wait_for(waiting, 5)).id == "a"


async def test_without_renewal_it_ends_by_itself(office):
    control, hold = office.control(), hold_of(office, 0.3)
    hold.keep()
    assert control.paused(QUEUES)
    await eventually(lambda: not control.paused(["default"]))


async def test_a_renewal_makes_it_longer(office):
    hold = hold_of(office, 30)
    hold.keep()
    first = int(office.client.hget(office.keys.state, "paused:low"))
    await eventually(lambda: office.now_ms() > first - 30_000 + 20)
    hold.keep()
    assert int(office.client.hget(office.keys.state, "paused:low")) > first


async def test_what_a_person_resumes_stays_resumed(office):
    control, hold = office.control(), hold_of(office)
    hold.keep()
    control.resume(["default"])
    assert hold.keep() == (["default"], False)
    assert not control.paused(["default"])
    assert control.paused(["high", "low"])
    assert hold.end() == ["high", "low"]


async def test_a_persons_pause_goes_on_behind_it(office):
    control, hold = office.control(), hold_of(office, 120)
    control.pause(["low"], 60, by="alice", reason="hers")
    ends = int(office.client.hget(office.keys.state, "paused:low"))
    hold.keep()
    assert int(office.client.hget(office.keys.state, "paused:low")) > ends
    assert b"alice" in office.client.hget(office.keys.pauses, "low")
    assert hold.end() == ["high", "default"]
    assert control.paused(["low"])
    left = int(office.client.hget(office.keys.state, "paused:low"))
    assert abs(left - ends) < 1000


async def test_a_persons_pause_that_ran_out_behind_it_ends_with_it(office):
    control, hold = office.control(), hold_of(office)
    control.pause(["low"], 0.2, by="alice")
    hold.keep()
    ended = office.now_ms() + 250
    await eventually(lambda: office.now_ms() > ended)
    assert control.paused(["low"])
    assert hold.end() == list(QUEUES)


async def test_a_person_may_pause_while_it_runs(office):
    control, hold = office.control(), hold_of(office)
    hold.keep()
    control.pause(["low"], 60, by="alice")
    assert hold.keep() == ([], False)
    assert hold.end() == ["high", "default"]
    assert control.paused(["low"])


async def test_a_broker_that_forgot_it_is_told_again(office, broker):
    control, hold = office.control(), hold_of(office)
    hold.keep()
    broker.client().flushall()
    assert hold.keep() == ([], True)
    assert control.paused(QUEUES)


async def test_nothing_is_left_of_it(office):
    hold = hold_of(office)
    hold.keep()
    assert office.left() == {"pauses", "holds"}
    hold.end()
    assert office.left() == set()


@pytest.mark.parametrize("first", [0, 1])
async def test_two_holds_pause_until_both_have_ended(office, first):
    """Whichever began and whichever ends first."""
    control, desk, seat = office.control(), await office.desk(), office.seat()
    holds = [hold_of(office), hold_of(office)]
    for hold in holds:
        hold.keep()
    await office.put(desk, "a")
    assert holds.pop(first).end() == []
    (left,) = holds
    assert control.paused(QUEUES)
    assert left.keep() == ([], False)
    assert ids_of(seat) == []
    token = office.client.zrange(office.keys.holds, 0, -1)[0]
    assert token in office.client.hget(office.keys.pauses, "default")  # told of the right one
    assert left.end() == list(QUEUES)
    assert ids_of(seat) == ["a"]


async def test_a_hold_that_died_does_not_keep_another_from_ending(office):
    control, dead, living = office.control(), hold_of(office, 0.2), hold_of(office)
    dead.keep()
    living.keep()
    lapsed = office.now_ms() + 250
    await eventually(lambda: office.now_ms() > lapsed)
    assert living.end() == list(QUEUES)
    assert not control.paused(["low"])


async def test_a_lapsed_hold_is_forgotten_by_the_sweep(office):
    desk = await office.desk()
    hold_of(office, 0.1).keep()
    await eventually(lambda: not office.control().paused(["low"]))
    await desk.beat()
    assert not office.client.exists(office.keys.pauses, office.keys.holds)
