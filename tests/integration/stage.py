"""A broker with some of everything in it, and every call that changes it."""

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.records import Meta, parse

from ..brokers import BrokerKit, answer, part

FRONT = "front-1"
QUEUE = "default"
BODY = b"x" * 100

CALLS = [
    *("enqueue", "claim", "settle", "refuse", "release", "put_off", "push"),
    *("withdraw", "operator_withdraw"),
    *("reap_worker", "leave", "ask_for_body", "hand_over", "acknowledge"),
]


class Stage:
    """A little of everything: waiting, handed back, parked, in flight, streamed, being read."""

    def __init__(self, kit: BrokerKit):
        self.kit = kit
        self.withdrawn: set[str] = set()
        self.has_put_off = False

    async def set_up(self) -> "Stage":
        kit = self.kit
        self.front = await kit.front_broker(FRONT)
        await kit.put(self.front, "again", body=BODY, piece_size=len(BODY) // 2)
        await kit.put(self.front, "streamed", "returned")
        lost = kit.registration()
        for number in range(3):
            kit.worker_broker(lost, number).settle_and_claim(None)
        kit.link().script("worker_reap", lost.worker)
        self.worker = kit.registration()
        self.threads = [kit.worker_broker(self.worker, number) for number in range(3)]
        self.again, self.streamed = (t.settle_and_claim(None) for t in self.threads[:2])
        assert (self.again.attempt, self.streamed.attempt) == (2, 2)
        self._ask_for_pieces(read=0)
        self.wanted = (await self.front.replies.catch_up())[-1]
        await self.front.hand_over(self.wanted, [BODY[:50], BODY[50:]])
        self.threads[1].push(self.streamed, part(self.streamed, 0))
        await self.front.acknowledge([("streamed", 1)])
        await kit.put(self.front, "waiting")
        await kit.put(self.front, "post", most=1)
        self.batch = [
            kit.encoded_request(FRONT, "x"),
            kit.encoded_request(FRONT, "y", "low"),
            kit.encoded_request(FRONT, "big", body=b"x" * 100, piece_size=50),
            kit.encoded_request(FRONT, "z"),
        ]
        self.ids = {"again", "streamed", "returned", "waiting", "post"}
        self.entries = {}
        for entry, fields in kit.client.xrange(kit.keys.named("queue", QUEUE)):
            self.entries[parse(Meta, fields[b"m"]).id] = entry.decode()
        assert kit.counters() == kit.there()
        return self

    def _ask_for_pieces(self, read: int) -> None:
        worker, claim = self.threads[0], self.again
        lease = (worker.worker, worker.slot, claim.id, claim.entry, claim.attempt)
        arguments = (read, 2, read, self.kit.limits.memory)
        self.kit.link().script("ask_for_body", *lease, *arguments)

    # The calls.

    async def enqueue(self):
        await self.front.enqueue(6, self.batch)
        self.ids |= {request.id for request in self.batch}

    async def claim(self):
        self.threads[2].settle_and_claim(None)

    async def settle(self):
        self.threads[0].settle_and_claim(answer(self.again))

    async def refuse(self):
        self.threads[0].settle_and_claim(Settlement(self.again, "malformed"))

    async def release(self):
        self.threads[0].settle_and_claim(Settlement(self.again, "released"))

    async def put_off(self):
        self.has_put_off = True
        self.threads[0].settle_and_claim(Settlement(self.again, "deferred"))

    async def push(self):
        self.threads[1].push(self.streamed, part(self.streamed, 1))

    async def withdraw(self):
        ids = ["returned", "waiting", "again", "streamed"]
        self.withdrawn |= {*ids}
        await self.front.withdraw(ids, "expired")

    async def operator_withdraw(self):
        control = self.kit.control()
        for id in ("returned", "waiting"):
            control.operator_withdraw(QUEUE, self.entries[id])

    async def reap_worker(self):
        self.kit.link().script("worker_reap", self.worker.worker)

    async def leave(self):
        self.withdrawn |= {"returned", "waiting", "post", "again", "streamed"}
        await self.front.leave()

    async def acknowledge(self):
        await self.front.acknowledge([("again", 1), ("streamed", 2), ("waiting", 3)])

    async def ask_for_body(self):
        self._ask_for_pieces(read=1)

    async def hand_over(self):
        await self.front.hand_over(self.wanted, [BODY[:50], BODY[50:]])

    async def join(self):
        await self.front.join({})

    # The end.

    async def end(self) -> dict[str, list[str]]:
        """Lose the worker and run what is left on another: how each request ended."""
        await self.reap_worker()
        thread, ran = self.kit.worker_broker(), []
        claim = thread.settle_and_claim(None)
        while claim is not None:
            assert claim.attempt == (2 if claim.id in ("returned", "again") else 1), claim.id
            ran.append(claim.id)
            claim = thread.settle_and_claim(answer(claim)) or self._later(thread)
        assert len(ran) == len(set(ran))
        return await self.kit.answers(self.front)

    def _later(self, thread: WorkerBroker) -> Claim | None:
        """Claim what was put off, once its time has come."""
        claim = None
        while self.has_put_off and claim is None and self.kit.counters().waiting:
            claim = thread.wait()
        return claim
