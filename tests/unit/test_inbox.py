"""Which reply reaches which client (P2, P9)."""

import asyncio

import msgspec.structs
import pytest
from msgspec.structs import replace

from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.broker.replies import Notice, RawReply
from queueproxy.envelopes import WIRE_VERSION, Codec, Frame, NotRun, ReplyHead
from queueproxy.front.consumer import as_far_as_known
from queueproxy.front.held_request import BAD_REPLY, SENT_ANEW, Failure, HeldRequest, HoldEnd
from queueproxy.front.http import refusals
from queueproxy.front.inbox import Inbox
from queueproxy.front.kept_answer import KeptFrame
from queueproxy.front.memory import MemoryBudget
from queueproxy.records import Meta

CODEC = Codec(["secret"], "ns")


def raw(id: str, seq: int = 0, *, attempt=1, body=b"", more=False, codec=CODEC) -> RawReply:
    head = ReplyHead(id, attempt, seq, status=0 if seq else 200, more=more)
    encoded, signature = codec.encode_reply(Frame(head, body))
    return RawReply(WIRE_VERSION, encoded, body, signature)


@pytest.fixture
async def inbox():
    return Inbox(CODEC)


def hold(inbox: Inbox, id: str, size: int = 100, most: int = 2) -> HeldRequest:
    order = EncodedRequest("default", Meta(id, "f", 60_000, size, 0, most), b"head", b"", b"")
    held = HeldRequest(order, asyncio.get_running_loop(), MemoryBudget(1 << 20).reservation())
    inbox.add(held)
    return held


async def told(held: HeldRequest) -> list:
    """All the events there are: bodies of frames, and failures."""
    found = []
    while True:
        try:
            event = await asyncio.wait_for(held.next_event(), 0.01)
        except TimeoutError:
            return found
        found.append(event.body if isinstance(event, (Frame, KeptFrame)) else event)


async def test_each_gets_its_own(inbox):
    one, two = hold(inbox, "1"), hold(inbox, "2")
    inbox.deliver([raw("2", body=b"two"), raw("1", body=b"one")])
    assert (await told(one), await told(two)) == ([b"one"], [b"two"])


async def test_frames_in_order(inbox):
    held = hold(inbox, "1")
    frames = [raw("1", n, body=b"%d" % n, more=n < 4) for n in range(5)]
    inbox.deliver(frames)
    assert await told(held) == [b"0", b"1", b"2", b"3", b"4"]
    assert held.answering


async def test_frames_read_again_are_not_given_again(inbox):
    """After a broken link the replies are read from the last position once more."""
    held = hold(inbox, "1")
    frames = [raw("1", n, body=b"%d" % n, more=True) for n in range(3)]
    inbox.deliver(frames[:2])
    inbox.deliver(frames)
    assert await told(held) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("first", [1, 2])
async def test_a_gap_breaks_the_answer_off(inbox, first):
    held = hold(inbox, "1")
    if first == 2:
        inbox.deliver([raw("1", 0, body=b"0", more=True)])
    inbox.deliver([raw("1", first, body=b"late")])
    assert (await told(held))[-1] == BAD_REPLY
    assert b"late" not in await told(held)


async def test_attempts_never_mix(inbox):
    held = hold(inbox, "1")
    inbox.deliver(
        [
            raw("1", 0, attempt=2, body=b"0", more=True),
            raw("1", 1, attempt=1, body=b"zombie", more=True),
            raw("1", 0, attempt=3, body=b"zombie", more=True),
            raw("1", 1, attempt=2, body=b"1"),
        ]
    )
    assert await told(held) == [b"0", b"1"]


async def test_nobody_held_gets_nothing(inbox):
    held = hold(inbox, "1")
    inbox.deliver([raw("2", body=b"two"), Notice("3", "worker_lost")])
    assert await told(held) == []
    inbox.remove(held)
    inbox.deliver([raw("1", body=b"one"), Notice("1", "worker_lost")])
    assert await told(held) == []


async def test_frames_of_two_live_requests_swapped(inbox):
    """Both clients are told that their answer is unusable; neither sees the other's."""
    one, two = hold(inbox, "1"), hold(inbox, "2")
    first, second = raw("1", body=b"one"), raw("2", body=b"two")
    inbox.deliver([first._replace(body=second.body), second._replace(body=first.body)])
    assert (await told(one), await told(two)) == ([BAD_REPLY], [BAD_REPLY])
    assert inbox.refused == 2


@pytest.mark.parametrize("field", ["head", "body", "signature"])
async def test_each_byte_altered_is_delivered_to_nobody(inbox, field):
    frame = raw("1", body=b"the body")
    part = getattr(frame, field)
    for at in range(len(part)):
        held = hold(inbox, "1")
        altered = part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]
        inbox.deliver([frame._replace(**{field: altered})])
        assert held.next_seq == 0
        inbox.remove(held)
    assert inbox.refused == len(part)


async def test_signed_by_somebody_else(inbox):
    held = hold(inbox, "1")
    inbox.deliver(
        [raw("1", body=b"forged", codec=Codec(["other"], "ns")), raw("1", codec=Codec((), "ns"))]
    )
    assert await told(held) == [BAD_REPLY, BAD_REPLY]


@pytest.mark.parametrize("codec", [CODEC, Codec((), "ns")], ids=["signed", "unsigned"])
async def test_a_frame_whose_body_is_gone(codec):
    """It is no empty one, and none at all to who has had it already."""
    inbox = Inbox(codec)
    first = raw("1", body=b"one", more=True, codec=codec)
    held = hold(inbox, "1")
    inbox.deliver([first, first._replace(body=None), raw("2", codec=codec)._replace(body=None)])
    assert await told(held) == [b"one"]
    inbox.deliver([raw("1", 1, codec=codec)._replace(body=None)])
    assert await told(held) == [BAD_REPLY]


async def test_a_reply_of_another_version_is_unusable(inbox):
    held = hold(inbox, "1")
    inbox.deliver([raw("1")._replace(version="1")])
    assert await told(held) == [BAD_REPLY]


async def test_notices(inbox):
    held = hold(inbox, "1")
    inbox.deliver([Notice("1", "queue_full")])
    (event,) = await told(held)
    assert isinstance(event, Failure)
    assert event == "queue_full"


def refusal(
    id: str, entry="1-1", attempt: int = 1, sending: int = 1, codec=CODEC, database: str = ""
) -> Notice:
    proof = codec.prove_not_run(NotRun(id, entry, attempt, sending, database))
    return Notice(id, "signature_expired", attempt, entry, proof)


class TestRefusedUnrun:
    """A worker proves that it has not run a request, which came to it too late."""

    @pytest.fixture
    async def anew(self):
        return []

    @pytest.fixture
    async def inbox(self, anew):
        def send_anew(held, database):
            anew.append(held.request.id + database)
            return True

        return Inbox(CODEC, send_anew=send_anew)

    async def test_it_is_sent_anew(self, inbox, anew):
        held = hold(inbox, "1")
        inbox.deliver([refusal("1")])
        assert (anew, await told(held), held.settled) == (["1"], [], False)

    async def test_unless_it_may_not(self):
        inbox = Inbox(CODEC)
        held = hold(inbox, "1")
        inbox.deliver([refusal("1")])
        assert (await told(held), held.settled) == (["signature_expired"], True)

    async def test_it_may_be_sent_anew_to_happen_once(self, inbox, anew):
        held = hold(inbox, "1")
        inbox.deliver([refusal("1", database="orders")])
        assert (anew, await told(held), held.settled) == (["1orders"], [], False)

    async def test_what_happens_once_is_sent_anew_whoever_was_lost_before(self, inbox, anew):
        """And its client is not told that nothing was executed: that is not known."""
        held = hold(inbox, "1")
        held.request = msgspec.structs.replace(held.request, once=True)
        inbox.deliver([refusal("1", attempt=2)])
        assert (anew, await told(held), held.settled) == (["1"], [], False)
        assert held.may_have_run
        assert as_far_as_known(refusals.HOLD_EXPIRED_WAITING, held).status == 504
        assert as_far_as_known(refusals.NOT_COMMITTED, held).status == 503  # by any attempt

    async def test_of_a_sending_before_it_says_nothing_more(self, inbox, anew):
        """Read again after a connection broke, or said again by somebody."""
        held = hold(inbox, "1")
        held.request = replace(held.request, sending=2)
        inbox.deliver([refusal("1")])
        assert (anew, await told(held)) == ([], [])

    @pytest.mark.parametrize(
        ("changed", "event"),
        [
            ({"entry": "1-2"}, "signature_expired"),
            ({"attempt": 2}, "worker_lost"),
            ({"proof": ""}, "signature_expired"),
            ({"proof": "1 "}, "signature_expired"),
            ({"proof": refusal("1", sending=2).proof}, "signature_expired"),
            ({"proof": refusal("1", attempt=2).proof, "attempt": 2}, "worker_lost"),
            ({"proof": refusal("2").proof}, "signature_expired"),
            ({"proof": refusal("1", codec=Codec(["other"], "ns")).proof}, "signature_expired"),
            ({"proof": refusal("1", codec=Codec(["secret"], "other")).proof}, "signature_expired"),
        ],
    )
    async def test_what_proves_nothing_ends_it(self, inbox, anew, changed, event):
        held = hold(inbox, "1")
        inbox.deliver([replace(refusal("1"), **changed)])
        assert (anew, await told(held)) == ([], [event])


@pytest.mark.parametrize("change", ["answering", "failed", "withdrawn", "refused", "late"])
async def test_sent_anew_while_its_client_waits_for_it_and_not_for_ever(inbox, change):
    held = hold(inbox, "1", most=1)
    now = held.deadline - 1
    assert held.may_be_sent_after_refusal(now)
    match change:
        case "answering":
            inbox.deliver([raw("1", more=True)])
        case "failed":
            inbox.deliver([raw("1", 3)])
        case "withdrawn":
            held.withdrawn = True
        case "refused":
            held.times_refused = SENT_ANEW
        case "late":
            now = held.deadline
    assert not held.may_be_sent_after_refusal(now)


async def test_sent_again_until_it_is_answered(inbox):
    get, post = hold(inbox, "1"), hold(inbox, "2", most=1)
    get.times_sent = post.times_sent = 1
    assert get.may_be_sent_after_loss(now=0)
    assert not post.may_be_sent_after_loss(now=0)
    inbox.deliver([raw("1", more=True)])
    assert not get.may_be_sent_after_loss(now=0)


async def test_settled_with_its_last_frame_or_a_notice(inbox):
    streamed, failed = hold(inbox, "1"), hold(inbox, "2")
    inbox.deliver([raw("1", body=b"0", more=True)])
    assert (streamed.settled, failed.settled) == (False, False)
    inbox.deliver([raw("1", seq=1, body=b"1"), Notice("2", "worker_lost")])
    assert (streamed.settled, failed.settled) == (True, True)
    streamed.notify(HoldEnd.CLIENT_LEFT)
    assert streamed.settled


@pytest.mark.parametrize("reply", [raw("1", 0, codec=Codec(["other"], "ns")), raw("1", 3)])
async def test_a_reply_that_cannot_be_used_does_not_settle(inbox, reply):
    """The broker may hold the request still, and its worker go on."""
    held = hold(inbox, "1")
    inbox.deliver([reply])
    assert (held.failed, held.settled, held.finished) == (True, False, True)
