"""Leases: turns that repeat, fences, what becomes of a lost worker's request (P1, P2, P3)."""

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.clients_progress import NOTHING, Progress
from queueproxy.exceptions import Fenced

from ..brokers import answer, eventually, ids_of, part


async def test_a_repeated_turn_gives_the_same_claim_and_settles_once(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")
    registration = kit.registration()
    worker_broker, again = (
        kit.worker_broker(registration),
        kit.worker_broker(registration),
    )  # the same thread, its answer lost
    first = worker_broker.settle_and_claim(None)
    assert again.settle_and_claim(None) == first
    second = worker_broker.settle_and_claim(answer(first))
    assert again.settle_and_claim(answer(first)) == second
    assert (first.id, second.id) == ("a", "b")
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert kit.counters() == kit.there()


async def test_a_call_that_comes_late_takes_nothing_away(kit):
    """The network delivers it once more, after its slot has claimed the next request."""
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")
    registration = kit.registration()
    worker_broker, late = kit.worker_broker(registration), kit.worker_broker(registration)
    first = worker_broker.settle_and_claim(None)
    second = worker_broker.settle_and_claim(answer(first))
    assert late.settle_and_claim(None) is None  # the call by which the first was claimed
    worker_broker.settle_and_claim(answer(second), claim=False)
    assert await kit.answers(front_broker) == {"a": ["200"], "b": ["200"]}
    assert kit.counters() == kit.there()


async def test_a_repeated_turn_that_only_settles(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b")
    registration = kit.registration()
    worker_broker, again = kit.worker_broker(registration), kit.worker_broker(registration)
    first = worker_broker.settle_and_claim(None)
    again.settle_and_claim(None)
    for place in (worker_broker, again):
        assert place.settle_and_claim(answer(first), claim=False) is None
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert ids_of(worker_broker) == ["b"]


async def test_nobody_else_can_settle(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    owner, other = kit.worker_broker(), kit.worker_broker()
    claim = owner.settle_and_claim(None)
    assert other.settle_and_claim(answer(claim, status=500)) is None
    assert await kit.answers(front_broker) == {}
    owner.settle_and_claim(answer(claim))
    assert await kit.answers(front_broker) == {"a": ["200"]}


async def test_a_thread_cannot_settle_its_neighbours_request(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b")
    registration = kit.registration()
    first, second = kit.worker_broker(registration, 0), kit.worker_broker(registration, 1)
    mine, theirs = first.settle_and_claim(None), second.settle_and_claim(None)
    with pytest.raises(Fenced):
        first.push(theirs, part(theirs, 0))
    second.settle_and_claim(answer(theirs))
    first.settle_and_claim(answer(mine))
    assert await kit.answers(front_broker) == {"a": ["200"], "b": ["200"]}


async def test_a_reaped_worker_is_fenced(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    zombie = kit.registration()
    worker_broker = kit.worker_broker(zombie)
    claim = worker_broker.settle_and_claim(None)
    kit.link().script("worker_reap", zombie.worker)
    rescuer = kit.worker_broker()
    second = rescuer.settle_and_claim(None)
    assert (second.id, second.attempt) == ("a", 2)
    with pytest.raises(Fenced):
        worker_broker.settle_and_claim(answer(claim, status=500))
    with pytest.raises(Fenced):
        worker_broker.push(claim, part(claim, 0))
    assert not zombie.beat("busy")
    assert await kit.answers(front_broker) == {}
    rescuer.settle_and_claim(answer(second))
    assert await kit.answers(front_broker) == {"a": ["200"]}


async def test_an_old_attempt_cannot_push_into_a_new_one(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    registration = kit.registration()
    worker_broker = kit.worker_broker(registration)
    first = worker_broker.settle_and_claim(None)
    assert worker_broker.settle_and_claim(Settlement(first, "released"), claim=False) is None
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    lost.leave()
    second = worker_broker.settle_and_claim(None)
    assert (second.id, second.attempt) == ("a", 2)
    with pytest.raises(Fenced):
        worker_broker.push(first, part(first, 0))
    assert worker_broker.push(second, part(second, 0))


async def test_release_puts_it_back_to_the_head_and_costs_no_attempt(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c", most=1)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert worker_broker.settle_and_claim(Settlement(claim, "released"), claim=False) is None
    again = kit.worker_broker().settle_and_claim(None)
    assert (again.id, again.attempt) == ("a", 1)
    assert ids_of(worker_broker) == ["b", "c"]


async def test_several_handed_back_keep_their_order(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, *"abcd")
    registration = kit.registration()
    worker_brokers = [kit.worker_broker(registration, number) for number in range(3)]
    claims = [worker_broker.settle_and_claim(None) for worker_broker in worker_brokers]
    for at in (2, 0, 1):
        worker_brokers[at].settle_and_claim(Settlement(claims[at], "released"), claim=False)
    assert ids_of(kit.worker_broker()) == list("abcd")


async def test_lost_twice_is_worker_lost_and_a_dead_letter(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "poison", "next")
    for attempt in (1, 2):
        registration = kit.registration()
        claim = kit.worker_broker(registration).settle_and_claim(None)
        assert (claim.id, claim.attempt) == ("poison", attempt)
        registration.leave()
    assert await kit.answers(front_broker) == {"poison": ["worker_lost"]}
    (letter,) = kit.control().dead_letters()
    assert (letter.reason, letter.request, letter.attempts) == ("worker_lost", "poison", 2)
    assert letter.head.path == "/poison"
    assert letter.worker.startswith(registration.worker)
    assert ids_of(kit.worker_broker()) == ["next"]
    assert not kit.client.exists(kit.keys.attempts)


async def test_unsafe_is_never_run_again(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "post", most=1)
    registration = kit.registration()
    kit.worker_broker(registration).settle_and_claim(None)
    registration.leave()
    assert await kit.answers(front_broker) == {"post": ["worker_lost"]}
    assert ids_of(kit.worker_broker()) == []
    assert kit.control().dead_letters()[0].request == "post"


async def test_streamed_is_never_run_again(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "get")
    registration = kit.registration()
    worker_broker = kit.worker_broker(registration)
    claim = worker_broker.settle_and_claim(None)
    assert worker_broker.push(claim, part(claim, 0))
    registration.leave()
    assert await kit.answers(front_broker) == {"get": ["200", "worker_lost"]}
    assert ids_of(kit.worker_broker()) == []


async def test_nobody_waits_for_what_the_lost_worker_held(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "get")
    registration = kit.registration()
    kit.worker_broker(registration).settle_and_claim(None)
    await front_broker.withdraw(["get"])
    registration.leave()
    assert ids_of(kit.worker_broker()) == []
    assert await kit.answers(front_broker) == {}
    assert kit.counters() == kit.there()


async def test_a_lease_that_ran_out_is_swept_by_anybodys_heartbeat(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b")
    dead = kit.registration(lease=0.05)
    worker_broker = kit.worker_broker(dead)
    worker_broker.settle_and_claim(None)
    rescuer = kit.registration()
    expires = kit.client.zscore(kit.keys.workers, dead.worker)
    await kit.lease_time_after(expires)
    assert rescuer.beat("idle")
    assert ids_of(kit.worker_broker(rescuer)) == ["a", "b"]
    with pytest.raises(Fenced):
        worker_broker.settle_and_claim(None)


async def test_a_late_heartbeat_does_not_bring_a_lease_back(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", most=1)
    late = kit.registration(lease=0.05)
    kit.worker_broker(late).settle_and_claim(None)
    expires = kit.client.zscore(kit.keys.workers, late.worker)
    await kit.lease_time_after(expires)
    assert not late.beat("busy")
    assert await kit.answers(front_broker) == {"a": ["worker_lost"]}
    assert late.join(given_up=late.worker) == late.worker
    assert ids_of(kit.worker_broker(late)) == []


async def test_heartbeats_keep_the_lease_however_long_it_takes(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "slow", most=1)
    slow, other = kit.registration(lease=0.3), kit.registration()
    worker_broker = kit.worker_broker(slow)
    claim = worker_broker.settle_and_claim(None)
    began = kit.now_ms()

    def beat() -> bool:
        assert slow.beat("busy")
        assert other.beat("idle")
        return kit.now_ms() > began + 1000

    await eventually(beat)
    worker_broker.settle_and_claim(answer(claim))
    assert await kit.answers(front_broker) == {"slow": ["200"]}


async def test_a_dead_front_does_not_end_what_runs(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", most=1)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    await front_broker.leave()
    assert not worker_broker.wanted(claim)
    worker_broker.settle_and_claim(answer(claim))
    assert kit.counters() == kit.there()
    assert kit.client.keys(kit.keys.named("replies", "*")) == []


async def test_a_stream_whose_client_left_is_gone(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert worker_broker.push(claim, part(claim, 0))
    await front_broker.acknowledge([("a", 1000), ("stranger", 5)])
    assert kit.progress(worker_broker, 5) == Progress({"a": 1000}, frozenset())
    await front_broker.withdraw(["a"])
    assert kit.progress(worker_broker, 5) == Progress({}, frozenset("a"))
    assert not worker_broker.push(claim, part(claim, 1))
    worker_broker.settle_and_claim(Settlement(claim, "abandoned"))
    assert kit.client.keys(kit.keys.named("flow", "*")) == []
    assert kit.counters() == kit.there()


async def test_a_worker_never_hears_of_fewer_bytes(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    worker_broker.settle_and_claim(None)
    for taken in (1000, 400, 1000, 90):
        await front_broker.acknowledge([("a", taken)])
    assert kit.progress(worker_broker).taken == {"a": 1000}
    await front_broker.withdraw(["a"])
    await front_broker.acknowledge([("a", 2000)])
    assert kit.progress(worker_broker) == Progress({}, frozenset("a"))
    assert kit.client.llen(kit.keys.named("bell", f"flow@{worker_broker.worker}")) == 1


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("way", ["withdrawn", "front gone"])
async def test_a_worker_is_told_whose_client_has_gone(kit, streamed, way):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    if streamed:
        worker_broker.push(claim, part(claim, 0))
    await (front_broker.withdraw(["a"]) if way == "withdrawn" else front_broker.leave())
    assert kit.progress(worker_broker, 5).left == {"a"}
    worker_broker.settle_and_claim(answer(claim))
    assert kit.progress(worker_broker) == NOTHING


@pytest.mark.parametrize("end", ["answered", "abandoned", "bad_response", "released"])
@pytest.mark.parametrize("left", [True, False])
async def test_what_is_said_of_a_client_goes_with_the_lease(kit, end, left):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    await front_broker.acknowledge([("a", 7)])
    if left:
        await front_broker.withdraw(["a"])
    settlement = answer(claim) if end == "answered" else Settlement(claim, end)
    worker_broker.settle_and_claim(settlement, claim=False)
    assert kit.progress(worker_broker) == NOTHING
    assert kit.counters() == kit.there()


async def test_what_is_said_of_clients_goes_with_the_worker(kit):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    worker_broker.settle_and_claim(None)
    await front_broker.acknowledge([("a", 7)])
    kit.link().script("worker_reap", worker_broker.worker)
    assert kit.client.keys(kit.keys.named("flow", "*")) == []
    assert kit.client.keys(kit.keys.named("bell", "flow@*")) == []
    assert kit.counters() == kit.there()


async def test_acknowledged_is_begun(kit):
    """A broker that has forgotten the first frame learns of it: the request is not run again."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    worker_broker.settle_and_claim(None)
    await front_broker.acknowledge([("a", 7)])
    kit.link().script("worker_reap", worker_broker.worker)
    assert await kit.answers(front_broker) == {"a": ["worker_lost"]}


@pytest.mark.parametrize("outcome", ["malformed", "bad_response"])
async def test_refused_by_its_worker(kit, outcome):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b")
    worker_broker = kit.worker_broker()
    following = worker_broker.settle_and_claim(
        Settlement(worker_broker.settle_and_claim(None), outcome)
    )
    assert following.id == "b"
    assert await kit.answers(front_broker) == {"a": [outcome]}
    assert [letter.reason for letter in kit.control().dead_letters()] == [outcome]
