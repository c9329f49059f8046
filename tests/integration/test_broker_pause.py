"""Pause is exact (P7), ends by itself, and resumes at a pace where asked."""

import asyncio
import threading
import time

from queueproxy.broker.worker_broker import WorkerBroker

from ..brokers import answer, eventually, ids_of


async def test_nothing_starts_while_paused(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    await kit.put(front_broker, "a")
    control.pause(["default"], 60, by="test", reason="why")
    assert control.paused(["default"])
    assert not control.paused(["default", "high"])
    await kit.put(front_broker, "b")
    await kit.put(front_broker, "h", queue="high")
    assert ids_of(worker_broker) == ["h"]
    assert control.resume(["default", "high"]) == ["default"]
    assert ids_of(worker_broker) == ["a", "b"]


async def test_what_is_in_flight_is_settled_while_paused(kit):
    control, front_broker, registration = (
        kit.control(),
        await kit.front_broker(),
        kit.registration(),
    )
    await kit.put(front_broker, "a", "b")
    worker_broker, again = kit.worker_broker(registration), kit.worker_broker(registration)
    claim = worker_broker.settle_and_claim(None)
    control.pause(["default"], 60, by="test")
    assert again.settle_and_claim(None) == claim  # it is started: its answer was lost
    assert control.stillness(["default"]).in_flight == 1
    assert worker_broker.settle_and_claim(answer(claim)) is None
    assert control.stillness(["default"]).in_flight == 0
    assert await kit.answers(front_broker) == {"a": ["200"]}


async def test_what_a_lost_worker_held_waits_for_the_end_of_the_pause(kit):
    control, front_broker, registration = (
        kit.control(),
        await kit.front_broker(),
        kit.registration(),
    )
    await kit.put(front_broker, "a")
    kit.worker_broker(registration).settle_and_claim(None)
    control.pause(["default"], 60, by="test")
    registration.leave()
    worker_broker = kit.worker_broker()
    assert ids_of(worker_broker) == []
    control.resume(["default"])
    assert ids_of(worker_broker) == ["a"]


async def test_no_request_starts_after_pause_has_returned(kit):
    """Against threads that do nothing but claim."""
    control, front_broker = kit.control(), await kit.front_broker()
    for at in range(0, 960, 60):
        await kit.put(front_broker, *(f"r{n}" for n in range(at, at + 60)))
    over, turns = threading.Event(), [0] * 4

    def work(number: int, worker_broker: WorkerBroker) -> None:
        claim = worker_broker.settle_and_claim(None)
        while not over.is_set():
            claim = worker_broker.settle_and_claim(answer(claim) if claim else None)
            turns[number] += 1

    worker_brokers = [kit.worker_broker() for _ in turns]
    threads = [asyncio.to_thread(work, *pair) for pair in enumerate(worker_brokers)]
    working = asyncio.gather(*threads)
    try:
        await eventually(lambda: sum(turns) > 50)
        control.pause(["default"], 60, by="test")
        left = kit.counters().waiting
        turned = sum(turns)
        await eventually(lambda: sum(turns) > turned + 400)
        assert kit.counters().waiting == left > 0
        assert control.stillness(["default"]).in_flight == 0
    finally:
        over.set()
        await working


async def test_a_pause_ends_by_itself(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    await kit.put(front_broker, "a")
    control.pause(["default"], 0.3, by="test")
    began = time.monotonic()
    claim = worker_broker.settle_and_claim(None)
    while claim is None and time.monotonic() < began + 10:
        claim = await asyncio.to_thread(worker_broker.wait)  # nobody rings
    assert claim.id == "a"
    assert 0.25 < time.monotonic() - began < 5
    await front_broker.beat()
    assert not kit.client.exists(kit.keys.pauses)


async def test_the_longest_of_several_owners_pauses_counts(kit):
    control = kit.control()
    control.pause(["default"], 60, by="one", reason="long")
    control.pause(["default"], 0.1, by="two", reason="short")
    ended = kit.now_ms() + 150
    await eventually(lambda: kit.now_ms() > ended)
    await (await kit.front_broker()).beat()
    assert control.paused(["default"])
    assert [(pause.by, pause.reason) for pause in control.pauses(["default"])] == [("one", "long")]
    control.pause(["default"], 60, by="two")
    assert control.resume(["default"]) == ["default"]  # whoever paused


async def test_an_owners_second_pause_takes_the_place_of_the_first(kit):
    control, front_broker = kit.control(), await kit.front_broker()
    await kit.put(front_broker, "a")
    control.pause(["default"], 60, by="one")
    control.pause(["default"], 0.01, by="one")
    await eventually(lambda: not control.paused(["default"]))
    assert ids_of(kit.worker_broker()) == ["a"]


async def test_paced_resume(kit):
    control, front_broker, worker_broker = (
        kit.control(),
        await kit.front_broker(),
        kit.worker_broker(),
    )
    control.pause(["default"], 60, by="test")
    await kit.put(front_broker, *(f"r{n}" for n in range(6)))
    control.resume(["default"], rate=20)
    began, started = time.monotonic(), []
    claim = None
    while len(started) < 6 and time.monotonic() < began + 10:
        claim = (
            worker_broker.settle_and_claim(answer(claim))
            if claim
            else await asyncio.to_thread(worker_broker.wait)
        )
        if claim:
            started.append(claim.id)
    assert started == [f"r{n}" for n in range(6)]
    assert 0.2 < time.monotonic() - began < 3  # five gaps of 50 ms
    worker_broker.settle_and_claim(answer(claim))
    await kit.put(front_broker, "x", "y", "z")  # nothing waited: the pace has ended
    assert ids_of(worker_broker) == ["x", "y", "z"]


async def test_an_operator_turns_a_request_away(kit):
    control, front_broker = kit.control(), await kit.front_broker()
    await kit.put(front_broker, "a", "b")
    oldest = control.oldest(["high", "default", "low"], 10)
    assert [(waiting.queue, waiting.path) for waiting in oldest] == [
        ("default", "/a"),
        ("default", "/b"),
    ]
    assert control.operator_withdraw("default", oldest[0].entry)
    assert not control.operator_withdraw("default", oldest[0].entry)
    worker_broker = kit.worker_broker()
    assert ids_of(worker_broker) == ["b"]
    assert not control.operator_withdraw("default", oldest[1].entry)
    assert await kit.answers(front_broker) == {"a": ["withdrawn"], "b": ["200"]}
    assert kit.counters() == kit.there()
