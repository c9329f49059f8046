"""What a signature is bound to: a secret, a namespace and a time (P1, P4)."""

import asyncio
import time

import pytest

from queueproxy.broker import broker_time
from queueproxy.broker.broker_time import MARGIN, BrokerTime
from queueproxy.broker.claims import Settlement
from queueproxy.exceptions import BadSignature, RequestExpired
from queueproxy.records import Held, Meta, pack, parse

from ..brokers import QUEUES, SECRETS, BrokerKit, answer, eventually, part
from .test_leaving import Connection

QUEUE = "default"
HOUR = 3_600  # seconds


def captured(kit: BrokerKit) -> dict[bytes, bytes]:
    """What somebody who can read the broker has seen of the last request."""
    ((_, fields),) = kit.client.xrevrange(kit.keys.named("queue", QUEUE), count=1)
    return fields


def put_back(kit: BrokerKit, fields: dict[bytes, bytes]) -> None:
    """What somebody who can write to the broker does with it: all that enqueue would."""
    meta = parse(Meta, fields[b"m"])
    fields = fields | {b"c": str(kit.clock_ms()).encode()}
    entry = kit.client.xadd(kit.keys.named("queue", QUEUE), fields)
    held = Held(QUEUE, entry.decode(), meta.size, None)
    kit.client.hset(kit.keys.named("held", meta.front), meta.id, pack(held))
    kit.client.hincrby(kit.keys.state, f"waiting:{QUEUE}", 1)
    kit.client.hincrby(kit.keys.state, "bytes", meta.size)
    kit.client.rpush(kit.keys.named("bell", QUEUE), "1")


class SetTime(BrokerTime):
    """A front's, that signs what it is told."""

    def __init__(self, expires: int):
        super().__init__()
        self.expires = expires

    def expiry(self, hold_ms: int) -> int:
        return self.expires


class TestTime:
    """A request may be started until its hold and a margin are over, whoever puts it there."""

    async def test_until_it_expires_and_not_a_millisecond_longer(self, kit):
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await kit.put(front_broker, "a")
        claim = worker_broker.settle_and_claim(None)
        signed = worker_broker.open(claim).head.expires
        assert abs(signed - kit.now_ms() - 60_000 - MARGIN) < 5_000
        moment = time.monotonic()
        worker_broker.opener._time._monotonic = lambda: moment  # the worker's clock stands still
        now = int(moment * 1000 + worker_broker.opener._time._offset)
        for expires, opens in ((now + 1, True), (now, False)):
            worker_broker.settle_and_claim(Settlement(claim, "abandoned"), claim=False)
            front_broker.time = SetTime(expires)
            await kit.put(front_broker, f"{expires}")
            claim = worker_broker.settle_and_claim(None)
            if opens:
                assert worker_broker.open(claim)
            else:
                with pytest.raises(RequestExpired):
                    worker_broker.open(claim)

    @pytest.mark.parametrize("looked", [True, False], ids=["running worker", "new worker"])
    async def test_a_captured_one_put_back_later_is_not_run(self, kit, monkeypatch, looked):
        monkeypatch.setattr(broker_time, "MARGIN", 1000)
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await kit.put(front_broker, "post", most=1, hold=1.0)
        fields = captured(kit)
        claim = worker_broker.settle_and_claim(None)
        if looked:
            worker_broker.open(claim)
        worker_broker.settle_and_claim(answer(claim), claim=False)
        put_back(kit, fields)
        again = worker_broker.settle_and_claim(None)
        assert worker_broker.open(again)  # within its time nothing tells it from its original
        worker_broker.settle_and_claim(answer(again), claim=False)
        signed = kit.now_ms()
        await eventually(lambda: kit.now_ms() > signed + 2100)
        put_back(kit, fields)
        with pytest.raises(RequestExpired):
            worker_broker.open(worker_broker.settle_and_claim(None))

    async def test_nor_where_the_lease_clock_was_set_back(self, kit, monkeypatch):
        """It is a value in the broker, and who can put a request there can write that too."""
        monkeypatch.setattr(broker_time, "MARGIN", 100)
        front_broker = await kit.front_broker()
        await kit.put(front_broker, "post", most=1, hold=1.0)
        fields, before = captured(kit), kit.client.hget(kit.keys.state, "clock")
        worker_broker = kit.worker_broker()
        worker_broker.settle_and_claim(answer(worker_broker.settle_and_claim(None)), claim=False)
        signed = kit.now_ms()
        await eventually(lambda: kit.now_ms() > signed + 1200)
        kit.client.hset(kit.keys.state, "clock", before)
        put_back(kit, fields)
        with pytest.raises(RequestExpired):
            worker_broker.open(worker_broker.settle_and_claim(None))

    async def test_what_is_sent_again_is_valid_no_longer_than_the_first(self, kit, front):
        """By the rest of its hold, not by all of it."""
        with front.hold(kit.encoded_request(front.id, "a", hold=60)) as held:
            held.deadline -= 40
            await eventually(lambda: kit.counters().waiting == 1)
            kit.link().script("front_leave", front.id)
            await eventually(lambda: held.times_sent == 2 and kit.counters().waiting == 1)
            worker_broker = kit.worker_broker()
            head = worker_broker.open(worker_broker.settle_and_claim(None)).head
            assert abs(head.expires - kit.now_ms() - 20_000 - MARGIN) < 5_000


class TestClockSteps:
    """The broker's clock is set, or another one after a failover: no honest request is refused."""

    @pytest.fixture
    async def kit(self, shifted):
        shifted.shift(0)
        shifted.client().flushall()
        kit = BrokerKit(shifted.url)
        yield kit
        await kit.close()

    @pytest.mark.parametrize("step", [HOUR, -HOUR])
    async def test_nobody_is_refused(self, kit, shifted, step):
        front_broker, late = await kit.front_broker(), await kit.front_broker("late")
        worker_broker = kit.worker_broker()
        await kit.put(front_broker, "first")
        claim = worker_broker.settle_and_claim(None)
        worker_broker.open(claim)
        await kit.put(front_broker, "before")
        shifted.shift(step)
        await front_broker.beat()
        await kit.put(front_broker, "after")
        await kit.put(late, "unaware")  # its front has not looked since
        await kit.put(front_broker, "again")
        opened = []
        while claim := worker_broker.settle_and_claim(answer(claim)):
            opened.append(worker_broker.open(claim).head.id)
        assert opened == ["before", "after", "unaware", "again"]

    @pytest.mark.parametrize("step", [HOUR, -HOUR])
    async def test_a_worker_that_starts_then_runs_what_comes_then(self, kit, shifted, step):
        front_broker = await kit.front_broker()
        shifted.shift(step)
        await front_broker.beat()
        await kit.put(front_broker, "a")
        worker_broker = kit.worker_broker()
        assert worker_broker.open(worker_broker.settle_and_claim(None)).head.id == "a"


class TestNamespace:
    """Also on another site with the same SECRET_KEY."""

    async def test_what_was_captured_in_one_does_not_run_in_another(self, kit, broker):
        other = BrokerKit(broker.url, namespace="other")
        try:
            front_broker, elsewhere = await kit.front_broker(), await other.front_broker()
            await kit.put(front_broker, "a")
            put_back(other, captured(kit))
            worker_broker = other.worker_broker()
            claim = worker_broker.settle_and_claim(None)
            assert claim.id == "a"
            with pytest.raises(BadSignature):
                worker_broker.open(claim)
            await other.put(elsewhere, "b")
            refusal = Settlement(claim, "bad_signature")
            assert worker_broker.open(worker_broker.settle_and_claim(refusal)).head.id == "b"
        finally:
            await other.close()

    async def test_nor_an_answer(self, kit, broker, front):
        """Of a request of the same id, to a front of the same name."""
        other = BrokerKit(broker.url, namespace="other")
        try:
            elsewhere = await other.front_broker(front.id)
            await other.put(elsewhere, "a")
            worker_broker = other.worker_broker()
            worker_broker.settle_and_claim(answer(worker_broker.settle_and_claim(None)))
            ((_, fields),) = other.client.xrange(other.keys.named("replies", front.id))
            with front.hold(kit.encoded_request(front.id, "a")) as held:
                kit.client.xadd(kit.keys.named("replies", front.id), fields)
                assert await asyncio.wait_for(held.next_event(), 10) == "bad_reply"
        finally:
            await other.close()


HINT = "SECRET_KEY_FALLBACKS"


class TestSecrets:
    """Front and worker that don't share a secret."""

    @pytest.mark.parametrize("outcome", ["bad_signature", "signature_expired", "malformed"])
    @pytest.mark.parametrize(("lost_before", "status"), [(False, 503), (True, 502)])
    async def test_what_was_not_run_may_be_sent_again(
        self, kit, front, outcome, lost_before, status
    ):
        """But for a second attempt. The first was on a worker that had the secret, and was lost."""
        connection = Connection(front)
        if lost_before:
            lost = kit.registration()
            thread = kit.worker_broker(lost)
            await eventually(lambda: thread.settle_and_claim(None))
            kit.link().script("worker_reap", lost.worker)
        other = kit.worker_broker()
        claim = await eventually(lambda: other.settle_and_claim(None))
        other.settle_and_claim(Settlement(claim, outcome), claim=False)
        await connection.end()
        assert connection.sent[0]["status"] == status

    async def test_an_answer_with_another_secret_is_unknown_to_the_client(self, kit, front, caplog):
        connections = [Connection(front), Connection(front)]
        kit.codec = kit.broker.codec(("another secret",))
        worker_broker = kit.worker_broker()
        claim = await eventually(lambda: worker_broker.settle_and_claim(None))
        while claim:
            claim = worker_broker.settle_and_claim(answer(claim))
        for connection in connections:
            await connection.end()
            assert connection.sent[0]["status"] == 502
        refused = [text for text in caplog.messages if "A reply was refused" in text]
        assert [HINT in text for text in refused] == [True, False]

    async def test_a_worker_with_the_new_secret_answers_a_front_with_the_old(self, kit):
        """In a rotation, workers come first: they sign with what the front has."""
        front_broker = await kit.front_broker()
        new = BrokerKit(kit.broker.address.url)
        try:
            new.codec = new.broker.codec(("the new secret", *SECRETS))
            worker_broker = new.worker_broker()
            await kit.put(front_broker, "a")
            claim = worker_broker.settle_and_claim(None)
            worker_broker.open(claim)
            worker_broker.push(claim, part(claim, 0))
            worker_broker.settle_and_claim(answer(claim), claim=False)
            assert await kit.answers(front_broker) == {"a": ["200", "200"]}
        finally:
            await new.close()


async def test_what_version_1_left_waits_for_who_knows_it(kit, monkeypatch):
    """As any version that a worker does not know, until its hold is over or its front goes."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker(queues=QUEUES)
    with monkeypatch.context() as before:
        before.setattr("queueproxy.broker.encoded_request.WIRE_VERSION", "1")
        await kit.put(front_broker, "old")
    await kit.put(front_broker, "new")
    claim = worker_broker.settle_and_claim(None)
    assert claim.id == "new"
    assert worker_broker.settle_and_claim(answer(claim)) is None
    assert kit.counters().waiting == 1
    assert await front_broker.withdraw(["old"]) == ["withdrawn"]
    assert kit.recount() == []
