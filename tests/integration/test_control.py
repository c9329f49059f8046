"""What people do at the broker: pause, resume at a rate, look at who waits, dead letters."""

import pytest

from queueproxy.exceptions import BrokerUnavailable

from ..brokers import QUEUES, answer, eventually, ids_of
from ..unit.test_json_text import HOSTILE


def state_of(kit) -> dict:
    """All that the broker keeps but its clock-like fields."""
    return kit.client.hgetall(kit.keys.state)


async def test_still_is_paused_with_nothing_in_flight(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    assert control.stillness(QUEUES) == (False, 0)
    await kit.put(front_broker, "a")
    claim = worker_broker.settle_and_claim(None)
    control.pause(QUEUES, 60, by="test")
    assert control.stillness(QUEUES) == (True, 1)
    assert control.stillness(["high"]) == (True, 0)
    worker_broker.settle_and_claim(answer(claim))
    assert control.stillness(QUEUES) == (True, 0)
    control.resume(["low"])
    assert control.stillness(QUEUES) == (False, 0)


async def test_resume_of_what_is_not_paused_changes_nothing(kit):
    control, front_broker = kit.control(), await kit.front_broker()
    await kit.put(front_broker, "a")
    control.pause(["high"], 60, by="test")
    before = state_of(kit)
    assert control.resume(["low", "default"], rate=5) == []
    assert control.resume(["low", "default"]) == []
    assert state_of(kit) == before


async def test_a_pace_can_be_changed_and_ended(kit):
    control, front_broker = kit.control(), await kit.front_broker()
    control.pause(["default"], 60, by="test")
    await kit.put(front_broker, *(f"r{n}" for n in range(5)))
    assert control.resume(["default"], rate=0.01) == ["default"]
    worker_broker = kit.worker_broker()
    assert len(ids_of(worker_broker)) == 1  # the next in 100 s
    assert control.resume(["default"], rate=0.02) == ["default"]
    assert len(ids_of(worker_broker)) == 1
    assert control.resume(["default"]) == ["default"]
    assert len(ids_of(worker_broker)) == 3
    assert control.resume(["default"]) == []


async def test_a_pause_at_a_pace_keeps_the_pace_for_after(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    control.pause(["default"], 60, by="test")
    await kit.put(front_broker, "a", "b", "c")
    control.resume(["default"], rate=0.01)
    control.pause(["default"], 0.05, by="test")
    assert ids_of(worker_broker) == []
    await eventually(lambda: not control.paused(["default"]))
    assert ids_of(worker_broker) == ["a"]


async def test_those_handed_back_are_the_oldest(kit):
    control, front_broker = kit.control(), await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")
    drained = kit.registration()
    worker_brokers = [kit.worker_broker(drained, number) for number in range(2)]
    claims = [worker_broker.settle_and_claim(None) for worker_broker in worker_brokers]
    for worker_broker, claim in zip(worker_brokers, claims, strict=True):
        released = answer(claim)._replace(outcome="released", frame=None)
        worker_broker.settle_and_claim(released, claim=False)
    oldest = control.oldest(QUEUES, 2)
    assert [waiting.path for waiting in oldest] == ["/a", "/b"]
    assert control.operator_withdraw("default", oldest[0].entry)
    assert [waiting.path for waiting in control.oldest(QUEUES, 10)] == ["/b", "/c"]
    assert ids_of(kit.worker_broker()) == ["b", "c"]
    assert control.oldest(QUEUES, 10) == []


async def test_what_is_in_flight_does_not_wait(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    await kit.put(front_broker, "a", "b")
    worker_broker.settle_and_claim(None)
    assert [waiting.path for waiting in control.oldest(QUEUES, 10)] == ["/b"]


async def test_dead_letters(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    await kit.put(front_broker, "a", "b", body=b"what was sent")
    for _ in range(2):
        claim = worker_broker.settle_and_claim(None)
        refused = answer(claim)._replace(outcome="malformed", frame=None)
        worker_broker.settle_and_claim(refused, claim=False)
    newest, oldest = control.dead_letters()
    assert (newest.request, oldest.request) == ("b", "a")
    assert (oldest.reason, oldest.queue, oldest.body) == ("malformed", "default", b"what was sent")
    assert control.dead_letter(oldest.id) == oldest
    assert control.discard(oldest.id)
    assert not control.discard(oldest.id)
    assert control.dead_letter(oldest.id) is None
    assert control.dead_letter("no such id") is None
    assert control.dead_letters() == [newest]


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE)
async def test_one_bad_dead_letter_hides_no_other(kit, head):
    """Whoever can write to the broker can put anything in there."""
    control = kit.control()
    kit.client.xadd(kit.keys.dead, {"reason": "worker_lost", "id": "good", "attempts": 1})
    kit.client.xadd(kit.keys.dead, {"h": head, "attempts": "many", "claimed": "-", "\xff": "x"})
    bad, good = control.dead_letters()
    assert (good.request, good.attempts) == ("good", 1)
    assert (bad.head.method, bad.attempts, bad.claimed) == ("?", 0, 0)
    assert control.dead_letter(bad.id) == bad
    assert bad.redacted_headers() == []


async def test_a_broker_that_is_away_is_said_to_be(kit, broker):
    control = kit.control()
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
