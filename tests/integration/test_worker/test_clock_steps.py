"""The broker's clock steps while requests wait, and who takes them then knows nothing of it.

Its worker refuses what is signed by the time before, and proves to the front that it has not run
it; the front signs by the time after and sends anew (P1, P4).
"""

import asyncio

import msgspec
import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.exceptions import RequestExpired
from queueproxy.front.held_request import SENT_ANEW

from ...brokers import BrokerKit, answer, eventually
from ..test_leaving import Connection
from ..test_signatures import HOUR, captured, put_back

STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])


@pytest.fixture
async def kit(shifted):
    shifted.shift(0)
    shifted.client().flushall()
    kit = BrokerKit(shifted.url)
    yield kit
    await kit.close()


class Asking(Connection):
    """Who asks for one view of the tests."""

    def __init__(self, front, method: str, nonce: str, **options):
        self._asked = {"method": method, "raw_path": f"/run/{nonce}/".encode()}
        super().__init__(front, **options)

    def _scope(self) -> dict:
        path = self._asked["raw_path"].decode()
        return super()._scope() | self._asked | {"path": path}

    @property
    def status(self) -> int:
        return self.sent[0]["status"]


async def waiting(kit: BrokerKit, count: int) -> None:
    await eventually(lambda: kit.counters().waiting == count, f"{count} wait")


def tell(kit: BrokerKit, front, claim, proof: str) -> None:
    """What somebody who can write to the broker tells a front of a request."""
    notice = {"id": claim.id, "reason": "signature_expired", "attempt": 1}
    text = msgspec.json.encode(notice | {"entry": claim.entry, "proof": proof})
    kit.client.xadd(kit.keys.named("replies", front.id), {"n": text})


def sent(kit: BrokerKit) -> int:
    """How often requests were put on the queue."""
    return int(kit.client.hget(kit.keys.named("stats", "default"), "enqueued") or 0)


async def refused(kit: BrokerKit, worker_broker) -> tuple:
    """The claim of what waits, and the proof with which it was refused."""
    claim = await eventually(lambda: worker_broker.settle_and_claim(None))
    with pytest.raises(RequestExpired) as expired:
        worker_broker.open(claim)
    refusal = Settlement(claim, "signature_expired", proof=expired.value.proof)
    worker_broker.settle_and_claim(refusal, claim=False)
    return claim, expired.value.proof


class TestWorkersThatStartThen:
    @STEPS
    async def test_run_each_request_once(self, kit, front, shifted, start_worker, state, step):
        asked = [(method, f"{n}") for n in range(20) for method in ("GET", "POST")]
        connections = [Asking(front, *one) for one in asked]
        await waiting(kit, len(asked))
        shifted.shift(step)
        start_worker(threads=2)
        for connection in connections:
            await connection.end()
        assert [connection.status for connection in connections] == [200] * len(asked)
        assert sorted(state.runs) == sorted(f"{method} {nonce}" for method, nonce in asked)
        assert kit.control().dead_letters() == []
        assert kit.recount() == []

    async def test_what_was_captured_and_is_put_back_later_does_not_run(
        self, kit, front, shifted, start_worker, state, caplog
    ):
        connection = Asking(front, "POST", "a")
        await waiting(kit, 1)
        fields = captured(kit)
        first = start_worker()
        await connection.end()
        first.worker.stop()
        first.ended()
        shifted.shift(HOUR)
        put_back(kit, fields)
        start_worker()
        await eventually(lambda: [text for text in caplog.messages if "was refused" in text])
        await waiting(kit, 0)
        assert (connection.status, state.runs) == (200, ["POST a"])
        assert sent(kit) == 1


class TestRefusals:
    """What the front makes of those that it did not expect."""

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("proof", ["", "1 ", "1 " + "00" * 32, "2 " + "00" * 32, "a proof"])
    async def test_a_forged_one_is_believed_as_before(self, kit, front, method, proof):
        """The client hears that nothing was executed. Nothing is sent again."""
        connection = Asking(front, method, "a")
        worker_broker = kit.worker_broker()
        claim = await eventually(lambda: worker_broker.settle_and_claim(None))
        tell(kit, front, claim, proof)
        await connection.end()
        assert (connection.status, sent(kit)) == (503, 1)

    async def test_a_proof_counts_for_its_own_request_alone(self, kit, front, shifted):
        worker_broker = kit.worker_broker()
        one = Asking(front, "POST", "one")
        await waiting(kit, 1)
        shifted.shift(HOUR)
        _, proof = await refused(kit, worker_broker)
        await waiting(kit, 1)
        again = worker_broker.settle_and_claim(None)
        other = Asking(front, "POST", "other")
        taken = await eventually(lambda: kit.worker_broker().settle_and_claim(None))
        tell(kit, front, taken, proof)
        await other.end()
        assert (other.status, sent(kit)) == (503, 3)
        worker_broker.settle_and_claim(answer(again), claim=False)
        await one.end()
        assert one.status == 200

    @pytest.mark.parametrize("moved", [False, True], ids=["as it was", "to the entry that runs"])
    async def test_one_said_again_does_not_count_again(self, kit, front, shifted, moved):
        """Its request was sent anew, and runs now: what was said of it before is not of this."""
        connection = Asking(front, "POST", "a")
        await waiting(kit, 1)
        shifted.shift(HOUR)
        worker_broker = kit.worker_broker()
        claim, proof = await refused(kit, worker_broker)
        await waiting(kit, 1)
        again = worker_broker.settle_and_claim(None)
        assert worker_broker.open(again).head.sending == 2
        for _ in range(3):
            tell(kit, front, again if moved else claim, proof)
        await eventually(lambda: kit.client.xlen(kit.keys.named("replies", front.id)) == 0)
        worker_broker.settle_and_claim(answer(again), claim=False)
        await connection.end()
        assert (connection.status, sent(kit)) == (503 if moved else 200, 2)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_so_often_and_no_more(self, kit, front, start_worker, state, method, caplog):
        """The front can't learn the time, whatever it asks: its client is not held for ever."""
        front._broker.time.expiry = lambda hold_ms: kit.now_ms() - 1
        connection = Asking(front, method, "a")
        start_worker()
        await connection.end()
        assert (connection.status, state.runs) == (503, [])
        assert sent(kit) == SENT_ANEW + 1
        refusals = [text for text in caplog.messages if "was refused and not run" in text]
        assert len(refusals) == SENT_ANEW + 1

    async def test_not_once_the_client_has_left(self, kit, front, shifted):
        connection = Asking(front, "POST", "a")
        await waiting(kit, 1)
        shifted.shift(HOUR)
        worker_broker = kit.worker_broker()
        claim = worker_broker.settle_and_claim(None)
        connection.disconnect()
        await connection.end()
        with pytest.raises(RequestExpired) as expired:
            worker_broker.open(claim)
        refusal = Settlement(claim, "signature_expired", proof=expired.value.proof)
        worker_broker.settle_and_claim(refusal, claim=False)
        assert (sent(kit), kit.counters().waiting, kit.recount()) == (1, 0, [])

    @pytest.mark.parametrize("compared", ["all", "unanswered"])
    async def test_one_found_where_front_and_broker_compare(self, kit, front, shifted, compared):
        """What the broker lacks is not lost then: it was refused, and goes once more, not twice."""
        connection = Asking(front, "POST", "a")
        await waiting(kit, 1)
        shifted.shift(HOUR)
        front._tasks[1].cancel()  # who else would read the refusal
        worker_broker = kit.worker_broker()
        await refused(kit, worker_broker)
        if compared == "all":
            front.sender._joined, front.sender._incarnation = False, ""
            front.sender.wake()
        else:
            front.sender.check_unanswered()
        await waiting(kit, 1)
        (held,) = front.inbox.held_requests.values()
        assert (held.times_sent, held.may_have_run) == (1, False)
        front._tasks[1] = asyncio.create_task(front._listen())
        claim = worker_broker.settle_and_claim(None)
        assert worker_broker.open(claim).head.sending == 2
        assert worker_broker.settle_and_claim(answer(claim)) is None
        await connection.end()
        other = Asking(front, "GET", "b")
        await waiting(kit, 1)
        other.disconnect()
        await other.end()
        assert (connection.status, sent(kit)) == (200, 3)

    async def test_what_a_lost_worker_may_have_run_is_not_proved_unrun(self, kit, front, shifted):
        connection = Asking(front, "GET", "a")
        lost = kit.registration()
        thread = kit.worker_broker(lost)
        await eventually(lambda: thread.settle_and_claim(None))
        kit.link().script("worker_reap", lost.worker)
        shifted.shift(HOUR)
        _, proof = await refused(kit, kit.worker_broker())
        await connection.end()
        assert (proof, connection.status, sent(kit)) == ("", 502, 1)
