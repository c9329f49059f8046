"""A request enqueued again under the id it had: what is left of the first is nobody's (P2, P10).

That happens where a front was given up (silent for longer than its lease) and comes back: of what
it held, something may still be in flight on a worker, or come late on a connection that broke.
"""

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.exceptions import Fenced

from ..brokers import QUEUES, answer, eventually, ids_of, part

QUEUE = "default"


async def given_up_and_back(kit, front_broker) -> None:
    """The sweep gives the front up; it joins again."""
    kit.client.zadd(kit.keys.fronts, {front_broker.front: 0})
    sweeper = kit.registration()
    assert sweeper.beat("idle")
    assert not kit.client.zscore(kit.keys.fronts, front_broker.front)
    sweeper.leave()
    kit.start_numbers_over(front_broker)
    assert (await front_broker.join({})).taken == 0


@pytest.fixture(params=[1, 2], ids=["first attempt", "second attempt"])
async def twice(kit, request):
    """A front, and the thread that still runs what it had asked for; it has asked again."""
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    if request.param == 2:
        lost = kit.registration()
        kit.worker_broker(lost).settle_and_claim(None)
        kit.link().script("worker_reap", lost.worker)
    worker = kit.registration()
    thread = kit.worker_broker(worker, 0)
    old = thread.settle_and_claim(None)
    assert old.attempt == request.param
    await given_up_and_back(kit, front_broker)
    await kit.put(front_broker, "a")
    assert kit.recount() == []
    return front_broker, thread, old


ENDS = ["answered", "released", "abandoned", "misrouted", "bad_response", "lost"]


@pytest.mark.parametrize("claimed", [False, True], ids=["waiting", "in flight"])
@pytest.mark.parametrize("end", ENDS)
async def test_the_end_of_the_first_is_none_of_the_second(kit, twice, end, claimed):
    front_broker, thread, old = twice
    other = kit.worker_broker()
    new = other.settle_and_claim(None) if claimed else None
    if end == "lost":
        kit.link().script("worker_reap", thread.worker)
    else:
        settlement = answer(old) if end == "answered" else Settlement(old, end)
        thread.settle_and_claim(settlement, claim=False)
    assert kit.recount() == []
    assert await kit.answers(front_broker) == {}
    new = new or other.settle_and_claim(None)
    assert (new.id, new.attempt) == ("a", 1)
    other.settle_and_claim(answer(new))
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert kit.recount() == []
    counters = kit.counters()
    assert (counters.waiting, counters.in_flight) == (0, 0)
    assert "unregistered" not in [letter.reason for letter in kit.control().dead_letters()]


async def test_a_late_frame_of_the_first_is_not_passed_on(kit, twice):
    front_broker, thread, old = twice
    assert not thread.wanted(old)
    assert not thread.push(old, part(old, 0))
    assert await kit.answers(front_broker) == {}
    new = kit.worker_broker().settle_and_claim(None)
    assert thread.wanted(new)
    assert not thread.wanted(old)
    assert not thread.push(old, part(old, 0))
    assert await kit.answers(front_broker) == {}


async def test_attempts_are_counted_apart(kit, twice):
    """The second one's are known when the first has ended."""
    front_broker, thread, old = twice
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    kit.link().script("worker_reap", lost.worker)
    thread.settle_and_claim(answer(old), claim=False)
    other = kit.worker_broker()
    new = other.settle_and_claim(None)
    assert new.attempt == 2
    other.settle_and_claim(answer(new))
    assert kit.client.hgetall(kit.keys.attempts) == {}
    assert await kit.answers(front_broker) == {"a": ["200"]}


async def test_clients_are_told_of_apart(kit, twice):
    """Both on threads of one worker: nobody reads the first; the second one's client reads."""
    front_broker, thread, old = twice
    second = kit.worker_broker_of(thread, 1)
    new = second.settle_and_claim(None)
    second.push(new, part(new, 0))
    await front_broker.acknowledge([("a", 1000)])
    progress = kit.told(thread)
    assert progress.left == {old.registration}
    assert progress.taken == {new.registration: 1000}
    thread.settle_and_claim(Settlement(old, "abandoned"), claim=False)
    assert kit.told(thread).taken == {new.registration: 1000}
    second.settle_and_claim(answer(new))
    assert kit.recount() == []


@pytest.mark.parametrize("when", ["waiting", "in flight", "handed back"])
async def test_one_that_is_held_is_not_taken_twice(kit, when):
    """A batch that comes late, on a connection its front has given up."""
    front_broker, registration = await kit.front_broker(), kit.registration()
    worker_broker = kit.worker_broker(registration)
    await kit.put(front_broker, "a")
    claim = None if when == "waiting" else worker_broker.settle_and_claim(None)
    if when == "handed back":
        worker_broker.settle_and_claim(Settlement(claim, "released"), claim=False)
    await kit.put(front_broker, "a", "b")
    assert kit.recount() == []
    assert kit.client.xlen(kit.keys.named("queue", QUEUE)) == 2
    if when == "in flight":
        worker_broker.settle_and_claim(answer(claim), claim=False)
    assert sorted([*ids_of(worker_broker)]) == (["b"] if when == "in flight" else ["a", "b"])
    assert await kit.answers(front_broker) == {"a": ["200"], "b": ["200"]}
    assert kit.recount() == []


async def test_a_front_that_comes_back(kit, front):
    """The whole of it: the client has the answer of the second, and nothing is left."""
    with front.hold(kit.encoded_request(front.id, "a")) as held:
        registration = kit.registration()
        threads = [kit.worker_broker(registration, number) for number in range(2)]
        old = await eventually(lambda: threads[0].settle_and_claim(None))
        kit.link().script("front_leave", front.id)
        new = await eventually(lambda: threads[1].settle_and_claim(None))
        threads[0].settle_and_claim(answer(old, b"old"), claim=False)
        threads[1].settle_and_claim(answer(new, b"new"), claim=False)
        frame = await held.next_event()
        assert frame.body == b"new"
    await eventually(lambda: kit.recount() == [] and not kit.counters().bytes)
    counters = kit.counters()
    assert (counters.bytes, counters.waiting, counters.in_flight) == (0, 0, 0)
    assert kit.control().dead_letters() == []
    assert all(not kit.client.xlen(kit.keys.named("queue", queue)) for queue in QUEUES)


async def test_a_batch_of_before_takes_no_numbers_of_after(kit):
    """It comes late, on a broken connection, between what its front compares and sends anew."""
    front_broker = await kit.front_broker()
    late = await kit.another_link_of(front_broker)
    await given_up_and_back(kit, front_broker)
    old = [kit.encoded_request(front_broker.front, id) for id in ("a", "left")]
    with pytest.raises(Fenced):
        await late.enqueue(1, old)
    await kit.put(front_broker, "a", "new")
    assert ids_of(kit.worker_broker()) == ["a", "new"]
    assert kit.recount() == []


async def test_a_call_sent_again_settles_only_what_it_was_to_settle(kit, twice):
    """It had settled the first and claimed the second, and its answer was lost."""
    front_broker, thread, old = twice
    call, settlement = thread._slot._call, Settlement(old, "released")
    new = thread.settle_and_claim(settlement)
    assert new.entry != old.entry
    thread._slot._call = call
    assert thread.settle_and_claim(settlement) == new
    thread.settle_and_claim(answer(new))
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert kit.recount() == []
