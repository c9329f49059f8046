"""What goes to the broker next, and what becomes of it (P1, P5, P8)."""

import asyncio

import pytest

from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.broker.replies import PiecesWanted
from queueproxy.front.held_request import DeliveryState, Failure, HeldRequest
from queueproxy.front.memory import MemoryBudget
from queueproxy.front.outbox import (
    BATCH_BYTES,
    BATCH_REQUESTS,
    IDS_AT_ONCE,
    PIECES_AT_ONCE,
    UNSENT,
    Outbox,
)
from queueproxy.records import Meta

PENDING, SENT, QUEUED = DeliveryState


@pytest.fixture
async def outbox():
    return Outbox()


def add(outbox: Outbox, *ids: str, body=b"", most=2) -> list[HeldRequest]:
    loop = asyncio.get_running_loop()
    added = []
    for id in ids:
        meta = Meta(id, "f", 60_000, 100, 0, most)
        request = EncodedRequest("default", meta, b"head", body, b"")
        added.append(HeldRequest(request, loop, MemoryBudget(1 << 20).reservation()))
        outbox.add(added[-1])
    return added


def future() -> asyncio.Future:
    return asyncio.get_running_loop().create_future()


def ids(outbox: Outbox) -> tuple[int, list[str]] | None:
    """The next batch: the number of its first, and its ids."""
    batch = outbox.next_batch()
    return batch and (batch.first, [held.request.id for held in batch.held])


# Requests.


async def test_requests_go_in_order_and_are_numbered(outbox):
    a, b = add(outbox, "a", "b")
    assert ids(outbox) == (1, ["a", "b"])
    assert (a.state, a.times_sent) == (SENT, 1)
    outbox.batch_taken()
    assert (a.state, b.state) == (QUEUED, QUEUED)
    assert ids(outbox) is None
    add(outbox, "c")
    assert ids(outbox) == (3, ["c"])


async def test_a_batch_has_a_most_of_requests(outbox):
    add(outbox, *map(str, range(BATCH_REQUESTS + 1)))
    assert len(outbox.next_batch().held) == BATCH_REQUESTS
    outbox.batch_taken()
    assert ids(outbox) == (BATCH_REQUESTS + 1, [str(BATCH_REQUESTS)])


async def test_a_batch_ends_with_the_request_that_fills_it(outbox):
    add(outbox, *"abc", body=b"x" * (BATCH_BYTES // 2))
    assert ids(outbox) == (1, ["a", "b"])
    outbox.batch_taken()
    assert ids(outbox) == (3, ["c"])


async def test_what_was_not_taken_goes_first_and_was_not_sent(outbox):
    a, _ = add(outbox, "a", "b")
    outbox.next_batch()
    add(outbox, "c")
    outbox.batch_not_taken()
    assert (a.state, a.times_sent, a.may_have_run) == (PENDING, 0, False)
    assert ids(outbox) == (1, ["a", "b", "c"])


async def test_what_may_have_arrived_keeps_its_number_and_company(outbox):
    (a,) = add(outbox, "a")
    outbox.next_batch()
    outbox.batch_uncertain()
    add(outbox, "b")
    assert ids(outbox) == (1, ["a"])
    outbox.batch_not_taken()  # this time; it may have been before
    assert (ids(outbox), a.state, a.times_sent) == ((1, ["a"]), SENT, 1)
    outbox.batch_taken()
    assert ids(outbox) == (2, ["b"])
    outbox.batch_not_taken()
    assert ids(outbox) == (2, ["b"])


async def test_what_was_refused_unrun_is_sent_anew(outbox):
    """As if it had not been sent: what must run once may go once more."""
    (a,) = add(outbox, "a", most=1)
    outbox.next_batch()
    outbox.batch_taken()
    assert a.state is QUEUED
    outbox.send_anew(a)
    assert (a.state, a.times_sent, a.may_have_run) == (PENDING, 0, False)
    assert ids(outbox) == (2, ["a"])
    outbox.batch_taken()
    assert (a.times_sent, a.may_have_run) == (1, False)


async def test_what_was_refused_before_the_answer_to_its_batch_waits_for_that(outbox):
    a, left, failed = add(outbox, "a", "left", "failed", most=1)
    outbox.next_batch()
    for held in (a, left, failed):
        outbox.send_anew(held)
    outbox.withdraw(left, "left", future())
    failed.notify(Failure("worker_lost"))
    assert ids(outbox) == (1, ["a", "left", "failed"])
    outbox.batch_taken()
    assert ids(outbox) == (4, ["a"])
    assert not a.may_have_run


async def test_what_was_refused_and_then_lost_with_the_broker_is_not_sent_twice(outbox):
    (a,) = add(outbox, "a")
    outbox.next_batch()
    outbox.send_anew(a)
    outbox.restart(0, [a])
    assert ids(outbox) == (1, ["a"])
    outbox.batch_taken()
    assert outbox.next_batch() is None


@pytest.mark.parametrize(("taken", "then"), [(2, (3, ["c"])), (0, (1, ["a", "b"]))])
async def test_the_broker_says_whether_it_has_taken_an_uncertain_batch(outbox, taken, then):
    add(outbox, "a", "b")
    outbox.next_batch()
    outbox.batch_uncertain()
    add(outbox, "c")
    outbox.confirm(taken)
    assert ids(outbox) == then


async def test_a_restart_numbers_anew_and_sends_what_was_lost_first(outbox):
    a, b = add(outbox, "a", "b")
    outbox.next_batch()
    outbox.batch_taken()
    add(outbox, "c")
    outbox.next_batch()
    outbox.batch_uncertain()
    add(outbox, "d")
    outbox.restart(7, [a, b])
    assert (a.state, a.may_have_run) == (PENDING, True)
    assert ids(outbox) == (8, ["a", "b", "d"])
    assert (a.times_sent, a.may_be_sent_after_loss(0)) == (2, False)


# Withdrawals.


async def test_a_request_not_sent_is_just_dropped(outbox):
    a, _ = add(outbox, "a", "b")
    done = future()
    outbox.withdraw(a, "left", done)
    assert (done.result(), a.withdrawn) == (UNSENT, True)
    assert outbox.next_withdrawals() is None
    assert ids(outbox) == (1, ["b"])


async def test_a_withdrawal_does_not_overtake_its_request(outbox):
    a, b = add(outbox, "a", "b")
    outbox.next_batch()
    outbox.batch_taken()
    (c,) = add(outbox, "c")
    outbox.next_batch()
    for held in (a, c):
        outbox.withdraw(held, "left", future())
    assert outbox.next_withdrawals() == ("left", ["a"])
    outbox.batch_uncertain()
    assert outbox.next_withdrawals() == ("left", ["a"])
    assert outbox.next_batch().held[0].request.meta.hold_ms == 0  # no worker starts it meanwhile
    outbox.batch_taken()
    assert outbox.next_withdrawals() == ("left", ["a", "c"])
    assert not b.withdrawn


async def test_withdrawn_on_the_way_and_not_taken(outbox):
    a, _ = add(outbox, "a", "b")
    outbox.next_batch()
    done = future()
    outbox.withdraw(a, "expired", done)
    outbox.batch_not_taken()
    assert done.result() == UNSENT
    assert outbox.next_withdrawals() is None
    assert ids(outbox) == (1, ["b"])


async def test_withdrawals_go_by_reason_until_they_are_done(outbox):
    first, second, again = future(), future(), future()
    outbox.withdraw_id("a", "left", first)
    outbox.withdraw_id("b", "expired", second)
    outbox.withdraw_id("a", "expired", again)  # while the first is under way
    assert outbox.next_withdrawals() == ("left", ["a"])
    assert outbox.next_withdrawals() == ("left", ["a"])
    outbox.withdrawals_done(["a"], ["gone"])
    assert (first.result(), again.result()) == ("gone", "gone")
    assert outbox.next_withdrawals() == ("expired", ["b"])
    second.cancel()  # nobody waits for it any more
    outbox.withdrawals_done(["b"], ["withdrawn"])
    assert outbox.next_withdrawals() is None


async def test_so_many_withdrawals_at_once(outbox):
    for number in range(IDS_AT_ONCE + 1):
        outbox.withdraw_id(str(number), "left", future())
    _, piece = outbox.next_withdrawals()
    assert len(piece) == IDS_AT_ONCE
    outbox.withdrawals_done(piece, ["gone"] * len(piece))
    assert outbox.next_withdrawals() == ("left", [str(IDS_AT_ONCE)])


# Acknowledgements of streams.


async def test_the_latest_acknowledgement_of_a_stream_goes(outbox):
    outbox.acknowledgements.add("a", 3)
    outbox.acknowledgements.add("b", 4)
    outbox.acknowledgements.add("a", 8)
    assert outbox.acknowledgements.next() == [("a", 8), ("b", 4)]
    assert outbox.acknowledgements.next() == []


async def test_acknowledgements_that_failed_go_again_unless_newer_ones_came(outbox):
    outbox.acknowledgements.add("a", 3)
    outbox.acknowledgements.add("b", 3)
    piece = outbox.acknowledgements.next()
    outbox.acknowledgements.add("a", 4)
    outbox.acknowledgements.failed(piece)
    assert outbox.acknowledgements.next() == [("a", 4), ("b", 3)]


async def test_so_many_acknowledgements_at_once(outbox):
    for number in range(IDS_AT_ONCE + 1):
        outbox.acknowledgements.add(str(number), 1)
    assert len(outbox.acknowledgements.next()) == IDS_AT_ONCE
    assert outbox.acknowledgements.next() == [(str(IDS_AT_ONCE), 1)]


# Pieces of bodies.


def wanted(id: str, first: int, upto: int, attempt: int = 1) -> PiecesWanted:
    return PiecesWanted(id, "1-1", attempt, first, upto)


async def test_pieces_go_a_few_at_a_time_in_turn(outbox):
    pieces, n = outbox.pieces, PIECES_AT_ONCE
    pieces.add(wanted("a", 0, 2 * n + 1))
    pieces.add(wanted("b", 5, 6))
    assert pieces.next() == wanted("a", 0, n)
    assert pieces.next() == wanted("b", 5, 6)
    assert pieces.next() == wanted("a", n, 2 * n)
    assert pieces.next() == wanted("a", 2 * n, 2 * n + 1)
    assert pieces.next() is None
    assert not pieces


async def test_what_is_wanted_adds_up(outbox):
    pieces = outbox.pieces
    pieces.add(wanted("a", 2, 3))
    pieces.add(wanted("a", 3, 4))
    assert pieces.next() == wanted("a", 2, 4)
    pieces.add(wanted("a", 4, 5))  # what is given back comes behind what was asked for meanwhile
    pieces.add(wanted("a", 3, 4))
    assert pieces.next() == wanted("a", 3, 5)


async def test_another_attempt_wants_all_anew(outbox):
    outbox.pieces.add(wanted("a", 2, 4))
    outbox.pieces.add(wanted("a", 0, 1, attempt=2))
    assert outbox.pieces.next() == wanted("a", 0, 1, attempt=2)


async def test_what_one_attempt_wants_stands_when_another_is_over_or_its_pieces_fail(outbox):
    outbox.pieces.add(wanted("a", 0, 1))
    first = outbox.pieces.next()
    outbox.pieces.add(wanted("a", 0, 1, attempt=2))  # while those of the first are on their way
    outbox.pieces.over(first)
    outbox.pieces.failed(first)
    assert outbox.pieces.next() == wanted("a", 0, 1, attempt=2)
    outbox.pieces.failed(first)
    outbox.pieces.over(first)
    assert not outbox.pieces


async def test_nothing_is_wanted_of_a_request_that_is_over(outbox):
    outbox.pieces.add(wanted("a", 2, 4))
    outbox.pieces.drop("a")
    outbox.pieces.drop("b")
    assert outbox.pieces.next() is None
