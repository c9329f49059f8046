"""Dead letters run again, by several people at once."""

import asyncio

import pytest

from queueproxy.broker.retry import CannotRetry, run_again

from ..brokers import QUEUES, SECRETS, answer, eventually


@pytest.fixture
async def letter(office):
    """Of an unsafe request whose worker was lost."""
    desk = await office.desk()
    await office.put(desk, "a", most=1)
    member = office.member()
    assert office.seat(member).turn(None).id == "a"
    member.leave()  # with the request in its hands
    (letter,) = office.control().dead_letters()
    return letter


def again(office, letter, hold: float = 20.0):
    return run_again(
        letter,
        target=office.target,
        namespace="office",
        queues=QUEUES,
        secrets=SECRETS,
        lease=15.0,
        hold=hold,
    )


async def work(office) -> None:
    """A worker that runs one request as soon as it waits."""
    seat = office.seat()
    await eventually(lambda: office.counters().waiting == 1)
    seat.turn(answer(seat.turn(None)), claim=False)


async def test_two_at_once_run_it_once(office, letter):
    first, second, _ = await asyncio.gather(
        again(office, letter), again(office, letter), work(office), return_exceptions=True
    )
    refused, status = sorted((first, second), key=lambda one: isinstance(one, int))
    assert status == 200
    assert isinstance(refused, CannotRetry)
    assert "Somebody else is running it again" in str(refused)
    assert office.counters().waiting == 0
    assert office.control().dead_letters() == []


async def test_one_that_was_run_meanwhile_is_not_run_again(office, letter):
    await asyncio.gather(again(office, letter), work(office))
    with pytest.raises(CannotRetry, match="no longer there"):
        await again(office, letter)
    assert office.counters().waiting == 0


async def test_after_a_failure_it_may_be_tried_at_once(office, letter):
    with pytest.raises(CannotRetry, match="It was not started"):
        await again(office, letter, hold=0.2)
    status, _ = await asyncio.gather(again(office, letter), work(office))
    assert status == 200
    assert office.control().dead_letters() == []


async def test_what_became_of_it_is_not_known(office, letter):
    """Whoever ran it again has gone while it runs: nobody else tries for a while."""
    running = asyncio.create_task(again(office, letter))
    seat = office.seat()
    await eventually(lambda: office.counters().waiting == 1)
    claim = seat.turn(None)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(CannotRetry, match="Somebody else"):
        await again(office, letter)
    seat.turn(answer(claim), claim=False)
    assert office.control().dead_letter(letter.id)
