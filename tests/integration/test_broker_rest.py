"""Whatever was done in whatever order, the counters are right and nothing is left (P8, P10)."""

import asyncio
import random

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.replies import PiecesWanted

from ..brokers import QUEUES, BrokerKit, answer, eventually, ids_of, part

STEPS = 250
SIZE, PIECES = 1000, 4  # of large bodies, in pieces of so many bytes


class Walk:
    """A random walk over everything fronts, workers and people do."""

    def __init__(self, kit: BrokerKit, seed: int):
        self.kit = kit
        self.chance = random.Random(seed)
        self.control = kit.control()
        self.front_brokers = []
        self.registrations = []
        self.places = []  # [registration, worker_broker, claim or None]
        self.ids: list[tuple] = []  # (front_broker, id)

    async def begin(self) -> "Walk":
        self.front_brokers = [await self.kit.front_broker(name) for name in ("front-1", "front-2")]
        for _ in range(3):
            self.start_worker()
        return self

    def start_worker(self) -> None:
        registration = self.kit.registration()
        self.registrations.append(registration)
        self.places += [
            [registration, self.kit.worker_broker(registration, number), None]
            for number in range(2)
        ]

    async def step(self) -> str:
        steps = (self.put, self.put, self.put_large, self.read_body, self.withdraw)
        steps += (self.work,) * 3
        rare = (self.die, self.pause, self.resume, self.beat)
        step = self.chance.choice(steps * 3 + rare)
        await step()
        return step.__name__

    async def put(self) -> None:
        front_broker = self.chance.choice(self.front_brokers)
        ids = [f"{len(self.ids) + n}" for n in range(self.chance.randint(1, 3))]
        self.ids += [(front_broker, id) for id in ids]
        hold = self.chance.choice((0.001, 60, 60, 60))
        queue, most = self.chance.choice(QUEUES), self.chance.choice((1, 2))
        await self.kit.put(front_broker, *ids, queue=queue, most=most, hold=hold)

    async def put_large(self) -> None:
        front_broker, id = self.chance.choice(self.front_brokers), f"{len(self.ids)}"
        self.ids.append((front_broker, id))
        order = self.kit.encoded_request(
            front_broker.front, id, body=b"x" * SIZE * PIECES, piece_size=SIZE
        )
        await self.kit.send(front_broker, order)

    async def read_body(self) -> None:
        """Ask for some of a body, perhaps of a request that has none; perhaps it is given."""
        _, worker_broker, claim = self.chance.choice(self.places)
        if claim is None:
            return
        lease = (worker_broker.worker, worker_broker.slot, claim.id, claim.entry, claim.attempt)
        read = self.chance.randint(0, PIECES - 1)
        upto, again = self.chance.randint(read + 1, PIECES), self.chance.randint(0, 1)
        self.kit.link().script("ask_for_body", *lease, read, upto, again, self.kit.limits.memory)
        for front_broker in self.front_brokers:
            for wanted in await front_broker.replies.catch_up():
                if isinstance(wanted, PiecesWanted) and self.chance.random() < 0.5:
                    pieces = [b"x" * SIZE] * (wanted.upto - wanted.first)
                    await front_broker.hand_over(wanted, pieces)

    async def withdraw(self) -> None:
        if self.ids:
            front_broker, id = self.chance.choice(self.ids[-20:])
            await front_broker.withdraw([id])

    async def work(self) -> None:
        place = self.chance.choice(self.places)
        _, worker_broker, claim = place
        if claim is None:
            place[2] = worker_broker.settle_and_claim(None)
            return
        if self.chance.random() < 0.3:
            worker_broker.push(claim, part(claim, 0))
        outcome = self.chance.choice(("answered", "answered", "released", "bad_response"))
        more = self.chance.random() < 0.5
        done = answer(claim) if outcome == "answered" else Settlement(claim, outcome)
        place[2] = worker_broker.settle_and_claim(done, claim=more)

    async def die(self) -> None:
        registration = self.chance.choice(self.registrations)
        self.registrations.remove(registration)
        self.places = [place for place in self.places if place[0] is not registration]
        self.kit.link().script("worker_reap", registration.worker)
        self.start_worker()

    async def pause(self) -> None:
        self.control.pause([self.chance.choice(QUEUES)], 60, by="test")

    async def resume(self) -> None:
        self.control.resume(QUEUES)

    async def beat(self) -> None:
        for front_broker in self.front_brokers:
            await front_broker.beat()
            await front_broker.sample()

    async def end(self) -> None:
        self.control.resume(QUEUES)
        for _, worker_broker, claim in self.places:
            if claim is not None:
                worker_broker.settle_and_claim(answer(claim), claim=False)
        ids_of(self.places[0][1])
        for front_broker in self.front_brokers:
            await front_broker.leave()
        for registration in self.registrations:
            registration.leave()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counters_and_keys(kit, seed):
    walk = await Walk(kit, seed).begin()
    trail = []
    for _ in range(STEPS):
        trail.append(await walk.step())
        assert kit.counters() == kit.there(), trail
        assert kit.recount() == [], trail
    await walk.end()
    counters = kit.counters()
    assert (counters.bytes, counters.waiting, counters.in_flight) == (0, 0, 0), trail
    assert kit.left() == set()
    assert kit.recount() == []
    for queue in QUEUES:
        assert kit.client.xlen(kit.keys.named("queue", queue)) == 0


async def test_answers_are_deleted_once_read(kit):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, *"abc")
    ids_of(worker_broker)
    assert len(await front_broker.replies.read()) == 3
    await kit.put(front_broker, "d")
    ids_of(worker_broker)
    assert len(await front_broker.replies.read()) == 1
    assert kit.client.xlen(kit.keys.named("replies", "front-1")) == 1


async def test_a_read_that_is_overtaken_by_a_new_beginning(kit):
    """The broker is another by now: nothing is there to be deleted behind what was read."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    for id in "ab":
        await kit.put(front_broker, id)
        ids_of(worker_broker)
        assert len(await front_broker.replies.read()) == 1
    kit.client.function_flush()
    reading = asyncio.create_task(front_broker.replies.read())
    await eventually(lambda: kit.client.info("clients")["blocked_clients"])
    front_broker.replies.start_over()
    await kit.put(front_broker, "c")
    ids_of(worker_broker)
    assert len(await reading) == 1


async def test_what_outlives_its_owner_expires(kit):
    """A front and a worker that vanish leave nothing that stays for good."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a", body=b"x", piece_size=1)
    claim = worker_broker.settle_and_claim(None)
    worker_broker.push(claim, part(claim, 0))
    worker_broker.pieces(claim, 1).read(0)
    wanted = (await front_broker.replies.catch_up())[-1]
    await front_broker.hand_over(wanted, [b"x"])
    for kind, name in (("replies", "front-1"), ("piece", f"a:{claim.entry}:1:0")):
        assert 0 < kit.client.pttl(kit.keys.named(kind, name)) <= 86_400_000
