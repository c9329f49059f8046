"""The pause of a hold: renewed, ended, and never at a person's cost."""

import asyncio

import pytest

from queueproxy.broker.operate.hold import Hold

from ..brokers import QUEUES, eventually, ids_of


def hold_of(kit, seconds: float = 60.0) -> Hold:
    return Hold(kit.link(), QUEUES, seconds, by="deploy", reason="migrate")


async def test_it_pauses_and_lets_go(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    hold = hold_of(kit)
    assert hold.keep() == ([], True)
    await kit.put(front_broker, "a")
    assert control.paused(QUEUES)
    assert ids_of(worker_broker) == []
    assert hold.keep() == ([], False)
    assert hold.end() == list(QUEUES)
    assert ids_of(worker_broker) == ["a"]
    assert hold.end() == []
    assert not kit.client.exists(kit.keys.pauses)


async def test_its_end_wakes_an_idle_worker(kit):
    hold, front_broker, worker_broker = hold_of(kit), await kit.front_broker(), kit.worker_broker()
    hold.keep()
    waiting = asyncio.create_task(asyncio.to_thread(worker_broker.wait))
    await kit.put(front_broker, "a")
    hold.end()
    assert (await asyncio.wait_for(waiting, 5)).id == "a"


async def test_without_renewal_it_ends_by_itself(kit):
    control, hold = kit.control(), hold_of(kit, 1.0)
    hold.keep()
    assert control.paused(QUEUES)
    await eventually(lambda: not control.paused(["default"]))


async def test_a_renewal_makes_it_longer(kit):
    hold = hold_of(kit, 30)
    hold.keep()
    first = int(kit.client.hget(kit.keys.state, "paused:low"))
    await eventually(lambda: kit.now_ms() > first - 30_000 + 20)
    hold.keep()
    assert int(kit.client.hget(kit.keys.state, "paused:low")) > first


async def test_a_person_does_not_resume_what_a_hold_pauses(kit):
    control, hold = kit.control(), hold_of(kit)
    hold.keep()
    control.pause(["low"], 60, by="alice")
    assert control.resume(QUEUES) == []
    assert control.paused(QUEUES)
    assert [(pause.by, pause.hold) for pause in control.pauses(["low"])] == [("deploy", True)]
    assert hold.keep() == ([], False)
    assert hold.end() == list(QUEUES)


async def test_a_persons_short_pause_does_not_end_it(kit):
    """It did: one end stood for a pause that several had asked for."""
    control, hold = kit.control(), hold_of(kit)
    hold.keep()
    control.pause(QUEUES, 0.2, by="alice")
    ended = kit.now_ms() + 250
    await eventually(lambda: kit.now_ms() > ended)
    await (await kit.front_broker()).beat()
    assert control.paused(QUEUES)
    assert {pause.by for pause in control.pauses(QUEUES)} == {"deploy"}


async def test_what_a_person_breaks_stays_resumed(kit):
    control, hold = kit.control(), hold_of(kit)
    hold.keep()
    assert control.resume(["default"], break_hold=True) == ["default"]
    assert hold.keep() == (["default"], False)
    assert not control.paused(["default"])
    assert control.paused(["high", "low"])
    assert hold.end() == ["high", "low"]


async def test_the_operators_lane_is_let_out_at_no_pace(kit):
    """A person who lets a backlog out slowly looks at the page meanwhile."""
    control, queues = kit.control(), ("ops", "default")
    hold = Hold(kit.link(), queues, 60, by="deploy", reason="migrate")
    front_broker = await kit.front_broker()
    hold.keep()
    for queue in queues:
        await kit.put(front_broker, f"{queue}1", f"{queue}2", queue=queue)
    assert control.resume(queues, rate=0.01, break_hold=True) == list(queues)
    assert not kit.client.hexists(kit.keys.state, "pace:ops")
    assert kit.client.hexists(kit.keys.state, "pace:default")


async def test_a_persons_pause_goes_on_behind_it(kit):
    control, hold = kit.control(), hold_of(kit, 120)
    control.pause(["low"], 60, by="alice", reason="hers")
    ends = int(kit.client.hget(kit.keys.state, "paused:low"))
    hold.keep()
    assert int(kit.client.hget(kit.keys.state, "paused:low")) > ends
    assert [pause.by for pause in control.pauses(["low"])] == ["alice", "deploy"]
    assert hold.end() == ["high", "default"]
    assert control.paused(["low"])
    left = int(kit.client.hget(kit.keys.state, "paused:low"))
    assert abs(left - ends) < 1000


async def test_a_persons_pause_that_ran_out_behind_it_ends_with_it(kit):
    control, hold = kit.control(), hold_of(kit)
    control.pause(["low"], 0.2, by="alice")
    hold.keep()
    ended = kit.now_ms() + 250
    await eventually(lambda: kit.now_ms() > ended)
    assert control.paused(["low"])
    assert hold.end() == list(QUEUES)


async def test_a_person_may_pause_while_it_runs(kit):
    control, hold = kit.control(), hold_of(kit)
    hold.keep()
    control.pause(["low"], 60, by="alice")
    assert hold.keep() == ([], False)
    assert hold.end() == ["high", "default"]
    assert control.paused(["low"])


async def test_a_broker_that_forgot_it_is_told_again(kit, broker):
    control, hold = kit.control(), hold_of(kit)
    hold.keep()
    broker.client().flushall()
    assert hold.keep() == ([], True)
    assert control.paused(QUEUES)


async def test_nothing_is_left_of_it(kit):
    hold = hold_of(kit)
    hold.keep()
    assert kit.left() == {"pauses", "holds"}
    hold.end()
    assert kit.left() == set()


@pytest.mark.parametrize("first", [0, 1])
async def test_two_holds_pause_until_both_have_ended(kit, first):
    """Whichever began and whichever ends first."""
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    holds = [hold_of(kit), hold_of(kit)]
    for hold in holds:
        hold.keep()
    await kit.put(front_broker, "a")
    assert holds.pop(first).end() == []
    (left,) = holds
    assert control.paused(QUEUES)
    assert left.keep() == ([], False)
    assert ids_of(worker_broker) == []
    assert len(control.pauses(["default"])) == 1  # told of the right one
    assert left.end() == list(QUEUES)
    assert ids_of(worker_broker) == ["a"]


async def test_a_hold_that_died_does_not_keep_another_from_ending(kit):
    control, dead, living = kit.control(), hold_of(kit, 0.2), hold_of(kit)
    dead.keep()
    living.keep()
    lapsed = kit.now_ms() + 250
    await eventually(lambda: kit.now_ms() > lapsed)
    assert living.end() == list(QUEUES)
    assert not control.paused(["low"])


async def test_a_lapsed_hold_is_forgotten_by_the_sweep(kit):
    front_broker = await kit.front_broker()
    hold_of(kit, 0.1).keep()
    await eventually(lambda: not kit.control().paused(["low"]))
    await front_broker.beat()
    assert not kit.client.exists(kit.keys.pauses, kit.keys.holds)
