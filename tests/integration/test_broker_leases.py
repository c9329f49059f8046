"""Leases: turns that repeat, fences, what becomes of a lost worker's request (P1, P2, P3)."""

import pytest

from queueproxy.broker.seat import Settlement
from queueproxy.exceptions import Fenced

from ..brokers import answer, eventually, ids_of, part


async def test_a_repeated_turn_gives_the_same_claim_and_settles_once(office):
    desk = await office.desk()
    await office.put(desk, "a", "b", "c")
    member = office.member()
    seat, again = office.seat(member), office.seat(member)  # the same thread, its answer lost
    first = seat.turn(None)
    assert again.turn(None) == first
    second = seat.turn(answer(first))
    assert again.turn(answer(first)) == second
    assert (first.id, second.id) == ("a", "b")
    assert await office.answers(desk) == {"a": ["200"]}
    assert office.counters() == office.there()


async def test_a_repeated_turn_that_only_settles(office):
    desk = await office.desk()
    await office.put(desk, "a", "b")
    member = office.member()
    seat, again = office.seat(member), office.seat(member)
    first = seat.turn(None)
    again.turn(None)
    for place in (seat, again):
        assert place.turn(answer(first), claim=False) is None
    assert await office.answers(desk) == {"a": ["200"]}
    assert ids_of(seat) == ["b"]


async def test_nobody_else_can_settle(office):
    desk = await office.desk()
    await office.put(desk, "a")
    owner, other = office.seat(), office.seat()
    claim = owner.turn(None)
    assert other.turn(answer(claim, status=500)) is None
    assert await office.answers(desk) == {}
    owner.turn(answer(claim))
    assert await office.answers(desk) == {"a": ["200"]}


async def test_a_thread_cannot_settle_its_neighbours_request(office):
    desk = await office.desk()
    await office.put(desk, "a", "b")
    member = office.member()
    first, second = office.seat(member, 0), office.seat(member, 1)
    mine, theirs = first.turn(None), second.turn(None)
    with pytest.raises(Fenced):
        first.push(theirs, part(theirs, 0))
    second.turn(answer(theirs))
    first.turn(answer(mine))
    assert await office.answers(desk) == {"a": ["200"], "b": ["200"]}


async def test_a_reaped_worker_is_fenced(office):
    desk = await office.desk()
    await office.put(desk, "a")
    zombie = office.member()
    seat = office.seat(zombie)
    claim = seat.turn(None)
    office.link().script("worker_reap", zombie.worker)
    rescuer = office.seat()
    second = rescuer.turn(None)
    assert (second.id, second.attempt) == ("a", 2)
    with pytest.raises(Fenced):
        seat.turn(answer(claim, status=500))
    with pytest.raises(Fenced):
        seat.push(claim, part(claim, 0))
    assert not zombie.beat("busy")
    assert await office.answers(desk) == {}
    rescuer.turn(answer(second))
    assert await office.answers(desk) == {"a": ["200"]}


async def test_an_old_attempt_cannot_push_into_a_new_one(office):
    desk = await office.desk()
    await office.put(desk, "a")
    member = office.member()
    seat = office.seat(member)
    first = seat.turn(None)
    assert seat.turn(Settlement(first, "released"), claim=False) is None
    lost = office.member()
    office.seat(lost).turn(None)
    lost.leave()
    second = seat.turn(None)
    assert (second.id, second.attempt) == ("a", 2)
    with pytest.raises(Fenced):
        seat.push(first, part(first, 0))
    assert seat.push(second, part(second, 0))


async def test_release_puts_it_back_to_the_head_and_costs_no_attempt(office):
    desk = await office.desk()
    await office.put(desk, "a", "b", "c", most=1)
    seat = office.seat()
    claim = seat.turn(None)
    assert seat.turn(Settlement(claim, "released"), claim=False) is None
    again = office.seat().turn(None)
    assert (again.id, again.attempt) == ("a", 1)
    assert ids_of(seat) == ["b", "c"]


async def test_several_handed_back_keep_their_order(office):
    desk = await office.desk()
    await office.put(desk, *"abcd")
    member = office.member()
    seats = [office.seat(member, number) for number in range(3)]
    claims = [seat.turn(None) for seat in seats]
    for at in (2, 0, 1):
        seats[at].turn(Settlement(claims[at], "released"), claim=False)
    assert ids_of(office.seat()) == list("abcd")


async def test_lost_twice_is_worker_lost_and_a_dead_letter(office):
    desk = await office.desk()
    await office.put(desk, "poison", "next")
    for attempt in (1, 2):
        member = office.member()
        claim = office.seat(member).turn(None)
        assert (claim.id, claim.attempt) == ("poison", attempt)
        member.leave()
    assert await office.answers(desk) == {"poison": ["worker_lost"]}
    (letter,) = office.control().dead_letters()
    assert (letter.reason, letter.request, letter.attempts) == ("worker_lost", "poison", 2)
    assert letter.head["path"] == "/poison"
    assert letter.worker.startswith(member.worker)
    assert ids_of(office.seat()) == ["next"]
    assert not office.client.exists(office.keys.attempts)


async def test_unsafe_is_never_run_again(office):
    desk = await office.desk()
    await office.put(desk, "post", most=1)
    member = office.member()
    office.seat(member).turn(None)
    member.leave()
    assert await office.answers(desk) == {"post": ["worker_lost"]}
    assert ids_of(office.seat()) == []
    assert office.control().dead_letters()[0].request == "post"


async def test_streamed_is_never_run_again(office):
    desk = await office.desk()
    await office.put(desk, "get")
    member = office.member()
    seat = office.seat(member)
    claim = seat.turn(None)
    assert seat.push(claim, part(claim, 0))
    member.leave()
    assert await office.answers(desk) == {"get": ["200", "worker_lost"]}
    assert ids_of(office.seat()) == []


async def test_nobody_waits_for_what_the_lost_worker_held(office):
    desk = await office.desk()
    await office.put(desk, "get")
    member = office.member()
    office.seat(member).turn(None)
    await desk.withdraw(["get"])
    member.leave()
    assert ids_of(office.seat()) == []
    assert await office.answers(desk) == {}
    assert office.counters() == office.there()


async def test_a_lease_that_ran_out_is_swept_by_anybodys_heartbeat(office):
    desk = await office.desk()
    await office.put(desk, "a", "b")
    dead = office.member(lease=0.05)
    seat = office.seat(dead)
    seat.turn(None)
    rescuer = office.member()
    expires = office.client.zscore(office.keys.workers, dead.worker)
    await eventually(lambda: office.now_ms() > expires)
    assert rescuer.beat("idle")
    assert ids_of(office.seat(rescuer)) == ["a", "b"]
    with pytest.raises(Fenced):
        seat.turn(None)


async def test_a_late_heartbeat_does_not_bring_a_lease_back(office):
    desk = await office.desk()
    await office.put(desk, "a", most=1)
    late = office.member(lease=0.05)
    office.seat(late).turn(None)
    expires = office.client.zscore(office.keys.workers, late.worker)
    await eventually(lambda: office.now_ms() > expires)
    assert not late.beat("busy")
    assert await office.answers(desk) == {"a": ["worker_lost"]}
    assert late.join(given_up=late.worker) == late.worker
    assert ids_of(office.seat(late)) == []


async def test_heartbeats_keep_the_lease_however_long_it_takes(office):
    desk = await office.desk()
    await office.put(desk, "slow", most=1)
    slow, other = office.member(lease=0.3), office.member()
    seat = office.seat(slow)
    claim = seat.turn(None)
    began = office.now_ms()

    def beat() -> bool:
        assert slow.beat("busy")
        assert other.beat("idle")
        return office.now_ms() > began + 1000

    await eventually(beat)
    seat.turn(answer(claim))
    assert await office.answers(desk) == {"slow": ["200"]}


async def test_a_dead_front_does_not_end_what_runs(office):
    desk = await office.desk()
    await office.put(desk, "a", most=1)
    seat = office.seat()
    claim = seat.turn(None)
    await desk.leave()
    assert not seat.wanted(claim)
    seat.turn(answer(claim))
    assert office.counters() == office.there()
    assert office.client.keys(office.keys.named("replies", "*")) == []


async def test_a_stream_whose_client_left_is_gone(office):
    desk = await office.desk()
    await office.put(desk, "a")
    seat = office.seat()
    claim = seat.turn(None)
    assert seat.push(claim, part(claim, 0))
    await desk.credit([("a", 1000), ("stranger", 5)])
    assert seat.credit(claim, 5) == 1000
    await desk.withdraw(["a"])
    assert seat.credit(claim, 5) == 0  # woken at once
    assert not seat.push(claim, part(claim, 1))
    seat.turn(Settlement(claim, "abandoned"))
    assert office.client.keys(office.keys.named("flow", "*")) == []
    assert office.counters() == office.there()


@pytest.mark.parametrize("outcome", ["malformed", "bad_response"])
async def test_refused_by_its_worker(office, outcome):
    desk = await office.desk()
    await office.put(desk, "a", "b")
    seat = office.seat()
    following = seat.turn(Settlement(seat.turn(None), outcome))
    assert following.id == "b"
    assert await office.answers(desk) == {"a": [outcome]}
    assert [letter.reason for letter in office.control().dead_letters()] == [outcome]
