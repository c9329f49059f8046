"""Pause is exact (P7), ends by itself, and resumes at a pace where asked."""

import asyncio
import threading
import time

from queueproxy.broker.seat import Seat

from ..brokers import answer, eventually, ids_of


async def test_nothing_starts_while_paused(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    await office.put(desk, "a")
    control.pause(["default"], 60, by="test", reason="why")
    assert control.paused(["default"])
    assert not control.paused(["default", "high"])
    await office.put(desk, "b")
    await office.put(desk, "h", queue="high")
    assert ids_of(seat) == ["h"]
    assert control.resume(["default", "high"]) == ["default"]
    assert ids_of(seat) == ["a", "b"]


async def test_what_is_in_flight_is_settled_while_paused(office):
    control, desk, member = office.control(), await office.desk(), office.member()
    await office.put(desk, "a", "b")
    seat, again = office.seat(member), office.seat(member)
    claim = seat.turn(None)
    control.pause(["default"], 60, by="test")
    assert again.turn(None) == claim  # it is started: its answer was lost
    assert control.in_flight(["default"]) == 1
    assert seat.turn(answer(claim)) is None
    assert control.in_flight(["default"]) == 0
    assert await office.answers(desk) == {"a": ["200"]}


async def test_what_a_lost_worker_held_waits_for_the_end_of_the_pause(office):
    control, desk, member = office.control(), await office.desk(), office.member()
    await office.put(desk, "a")
    office.seat(member).turn(None)
    control.pause(["default"], 60, by="test")
    member.leave()
    seat = office.seat()
    assert ids_of(seat) == []
    control.resume(["default"])
    assert ids_of(seat) == ["a"]


async def test_no_request_starts_after_pause_has_returned(office):
    """Against threads that do nothing but claim."""
    control, desk = office.control(), await office.desk()
    for at in range(0, 960, 60):
        await office.put(desk, *(f"r{n}" for n in range(at, at + 60)))
    over, turns = threading.Event(), [0] * 4

    def work(number: int, seat: Seat) -> None:
        claim = seat.turn(None)
        while not over.is_set():
            claim = seat.turn(answer(claim) if claim else None)
            turns[number] += 1

    seats = [office.seat() for _ in turns]
    threads = [asyncio.to_thread(work, *pair) for pair in enumerate(seats)]
    working = asyncio.gather(*threads)
    try:
        await eventually(lambda: sum(turns) > 50)
        control.pause(["default"], 60, by="test")
        left = office.counters().waiting
        turned = sum(turns)
        await eventually(lambda: sum(turns) > turned + 400)
        assert office.counters().waiting == left > 0
        assert control.in_flight(["default"]) == 0
    finally:
        over.set()
        await working


async def test_a_pause_ends_by_itself(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    await office.put(desk, "a")
    control.pause(["default"], 0.3, by="test")
    began = time.monotonic()
    claim = seat.turn(None)
    while claim is None and time.monotonic() < began + 10:
        claim = await asyncio.to_thread(seat.wait)  # nobody rings
    assert claim.id == "a"
    assert 0.25 < time.monotonic() - began < 5
    await desk.beat()
    assert not office.client.exists(office.keys.pauses)


async def test_a_second_pause_takes_the_place_of_the_first(office):
    control, desk = office.control(), await office.desk()
    await office.put(desk, "a")
    control.pause(["default"], 60, by="one")
    control.pause(["default"], 0.01, by="two")
    await eventually(lambda: not control.paused(["default"]))
    assert ids_of(office.seat()) == ["a"]


async def test_paced_resume(office):
    control, desk, seat = office.control(), await office.desk(), office.seat()
    control.pause(["default"], 60, by="test")
    await office.put(desk, *(f"r{n}" for n in range(6)))
    control.resume(["default"], rate=20)
    began, started = time.monotonic(), []
    claim = None
    while len(started) < 6 and time.monotonic() < began + 10:
        claim = seat.turn(answer(claim)) if claim else await asyncio.to_thread(seat.wait)
        if claim:
            started.append(claim.id)
    assert started == [f"r{n}" for n in range(6)]
    assert 0.2 < time.monotonic() - began < 3  # five gaps of 50 ms
    seat.turn(answer(claim))
    await office.put(desk, "x", "y", "z")  # nothing waited: the pace has ended
    assert ids_of(seat) == ["x", "y", "z"]


async def test_an_operator_turns_a_request_away(office):
    control, desk = office.control(), await office.desk()
    await office.put(desk, "a", "b")
    oldest = control.oldest(["high", "default", "low"], 10)
    assert [(waiting.queue, waiting.path) for waiting in oldest] == [
        ("default", "/a"),
        ("default", "/b"),
    ]
    assert control.turn_away("default", oldest[0].entry)
    assert not control.turn_away("default", oldest[0].entry)
    seat = office.seat()
    assert ids_of(seat) == ["b"]
    assert not control.turn_away("default", oldest[1].entry)
    assert await office.answers(desk) == {"a": ["withdrawn"], "b": ["200"]}
    assert office.counters() == office.there()
