"""Dead letters run again, by several people at once."""

import asyncio

import pytest

from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.operate.replay import CannotReplay, replay
from queueproxy.broker.operate.replay_many import AT_ONCE, replay_many
from queueproxy.exceptions import BrokerUnavailable

from ..brokers import QUEUES, SECRETS, answer, eventually


@pytest.fixture
async def letter(kit):
    """Of an unsafe request whose worker was lost."""
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", most=1)
    registration = kit.registration()
    assert kit.worker_broker(registration).settle_and_claim(None).id == "a"
    registration.leave()  # with the request in its hands
    (letter,) = kit.control().dead_letters()
    return letter


def again(kit, letter, hold: float = 20.0):
    return replay(
        letter,
        broker=kit.broker,
        queues=QUEUES,
        secrets=SECRETS,
        hold=hold,
        kept=86_400,
    )


async def work(kit) -> None:
    """A worker that runs one request as soon as it waits."""
    worker_broker = kit.worker_broker()
    await eventually(lambda: kit.counters().waiting == 1)
    worker_broker.settle_and_claim(answer(worker_broker.settle_and_claim(None)), claim=False)


async def test_two_at_once_run_it_once(kit, letter):
    first, second, _ = await asyncio.gather(
        again(kit, letter), again(kit, letter), work(kit), return_exceptions=True
    )
    refused, status = sorted((first, second), key=lambda one: isinstance(one, int))
    assert status == 200
    assert isinstance(refused, CannotReplay)
    assert "Somebody else is running it again" in str(refused)
    assert kit.counters().waiting == 0
    assert kit.control().dead_letters() == []


async def test_one_that_was_run_meanwhile_is_not_run_again(kit, letter):
    await asyncio.gather(again(kit, letter), work(kit))
    with pytest.raises(CannotReplay, match="no longer there"):
        await again(kit, letter)
    assert kit.counters().waiting == 0


async def test_after_a_failure_it_may_be_tried_at_once(kit, letter):
    with pytest.raises(CannotReplay, match="It was not started"):
        await again(kit, letter, hold=0.2)
    status, _ = await asyncio.gather(again(kit, letter), work(kit))
    assert status == 200
    assert kit.control().dead_letters() == []


async def test_what_became_of_it_is_not_known(kit, letter):
    """Whoever ran it again has gone while it runs: nobody else tries for a while."""
    running = asyncio.create_task(again(kit, letter))
    worker_broker = kit.worker_broker()
    await eventually(lambda: kit.counters().waiting == 1)
    claim = worker_broker.settle_and_claim(None)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(CannotReplay, match="Somebody else"):
        await again(kit, letter)
    worker_broker.settle_and_claim(answer(claim), claim=False)
    assert kit.control().dead_letter(letter.id)


async def test_who_runs_it_again_counts_as_no_front(kit, letter):
    running = asyncio.create_task(again(kit, letter))
    worker_broker = kit.worker_broker()
    await eventually(lambda: kit.counters().waiting == 1)
    fronts = SnapshotReader(kit.link(), QUEUES).snapshot().fronts
    worker_broker.settle_and_claim(answer(worker_broker.settle_and_claim(None)), claim=False)
    assert await running == 200
    assert [front["id"] for front in fronts] == ["front-1"]


async def test_many_are_run_while_there_is_time():
    begun = []

    async def one(letter) -> int:
        begun.append(letter)
        await asyncio.sleep(0.05)
        if letter == 3:
            raise CannotReplay("It failed again.")
        return 500 if letter == 5 else 200

    done = await replay_many(range(12), one, 20)
    assert (done.answered, done.errors, done.left) == (11, 1, 0)
    assert done.failed == {"It failed again.": 1}
    assert sorted(begun) == list(range(12))
    done = await replay_many(range(5), one, 0)
    assert (done.answered, done.left, len(begun)) == (0, 5, 12)


async def test_of_many_none_is_begun_once_the_broker_is_away():
    begun = []

    async def one(letter) -> int:
        begun.append(letter)
        raise BrokerUnavailable("refused")

    done = await replay_many(range(100), one, 20)
    assert (done.answered, sum(done.failed.values()), done.left) == (
        0,
        len(begun),
        100 - len(begun),
    )
    assert len(begun) <= AT_ONCE
