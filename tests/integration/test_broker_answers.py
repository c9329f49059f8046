"""Answers count in MAX_MEMORY, and what was admitted is still answered (P8)."""

import pytest

from queueproxy.broker.front_broker import memory_for_requests
from queueproxy.exceptions import BrokerFull

from ..brokers import BrokerKit, answer, ids_of, part

MEMORY = 1_000_000
LARGE = b"x" * 100_000


@pytest.fixture
async def small(broker):
    """A kit whose broker holds little."""
    kit = BrokerKit(broker.url, memory=MEMORY)
    yield kit
    await kit.close()


async def fill(kit, front) -> list:
    """Answer streams until there is no room; the claims and worker brokers of those that wait."""
    await kit.put(front, *(f"r{n}" for n in range(12)))
    registration = kit.registration()
    waiting = []
    for number in range(12):
        worker = kit.worker_broker(registration, number)
        claim = worker.settle_and_claim(None)
        try:
            worker.push(claim, part(claim, 0, LARGE))
        except BrokerFull:
            waiting.append((worker, claim))
    return waiting


async def test_answers_count_until_they_are_read(small):
    front = await small.front_broker()
    await small.put(front, "a")
    worker = small.worker_broker()
    worker.settle_and_claim(answer(worker.settle_and_claim(None), LARGE))
    assert small.counters() == small.there()
    assert small.counters().bytes > len(LARGE)
    assert len(await front.replies.read()) == 1
    await front.replies.trim()
    assert small.counters() == small.there()
    assert small.counters().bytes == 0


async def test_past_the_limit_a_worker_waits_with_its_answer(small):
    front = await small.front_broker()
    waiting = await fill(small, front)
    assert len(waiting) >= 2
    assert small.counters() == small.there()
    assert small.counters().bytes <= MEMORY
    worker, claim = waiting[0]
    with pytest.raises(BrokerFull):
        worker.settle_and_claim(answer(claim, LARGE))
    assert small.counters().in_flight == 12  # it keeps its lease and has claimed nothing
    await front.replies.read()
    await front.replies.trim()
    await small.put(front, "next")
    assert worker.settle_and_claim(answer(claim, LARGE)) is not None
    assert small.counters().in_flight == 12


async def test_requests_leave_room_for_their_answers(small):
    front = await small.front_broker()
    await small.put(front, *(f"r{n}" for n in range(9)), body=LARGE)
    refused = await small.answers(front)
    assert set(map(tuple, refused.values())) == {("memory_full",)}
    admitted = memory_for_requests(MEMORY) // len(LARGE)
    assert small.counters().waiting == admitted
    assert len(ids_of(small.worker_broker())) == admitted
    assert small.counters() == small.there()


async def test_a_front_that_has_read_all_is_given_what_is_too_large(broker):
    kit = BrokerKit(broker.url, memory=20_000)
    front = await kit.front_broker()
    await kit.put(front, "a")
    worker = kit.worker_broker()
    worker.settle_and_claim(answer(worker.settle_and_claim(None), LARGE))
    assert await kit.answers(front) == {"a": ["200"]}
    await kit.close()


async def test_nobody_waits_for_room_for_who_has_left(small):
    front = await small.front_broker()
    worker, claim = (await fill(small, front))[0]
    await front.withdraw([claim.id])
    worker.settle_and_claim(answer(claim, LARGE), claim=False)
    assert small.counters().in_flight == 11
    assert small.counters() == small.there()


@pytest.mark.parametrize("end", ["leaves", "is lost"])
async def test_what_a_front_has_not_read_goes_with_it(small, end):
    other = await small.front_broker("other")
    front = await small.front_broker(lease=0.05 if end == "is lost" else None)
    await small.put(front, "a")
    worker = small.worker_broker()
    worker.settle_and_claim(answer(worker.settle_and_claim(None), LARGE))
    if end == "leaves":
        await front.leave()
    else:
        expires = small.client.zscore(small.keys.fronts, front.front)
        await small.lease_time_after(expires)
        await other.beat()
    assert small.counters().bytes == 0
    assert small.counters() == small.there()


async def test_a_trim_sent_again_counts_once(small):
    front = await small.front_broker()
    await small.put(front, "a", "b")
    worker = small.worker_broker()
    worker.settle_and_claim(answer(worker.settle_and_claim(None), LARGE), claim=False)
    (entry,) = small.client.xrange(small.keys.named("replies", front.front))
    size = sum(map(len, entry[1].values())) + len(LARGE)
    ms, seq = entry[0].decode().split("-")
    worker.settle_and_claim(answer(worker.settle_and_claim(None), LARGE), claim=False)
    link = small.link()
    for _ in range(2):
        link.script("trim_replies", front.front, f"{ms}-{int(seq) + 1}", size)
        assert small.counters() == small.there()
        assert small.counters().bytes > len(LARGE)
