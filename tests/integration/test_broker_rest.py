"""Whatever was done in whatever order, the counters are right and nothing is left (P8, P10)."""

import random

import pytest

from queueproxy.broker.seat import Settlement

from ..brokers import QUEUES, Office, answer, ids_of, part

STEPS = 250


class Walk:
    """A random walk over everything fronts, workers and people do."""

    def __init__(self, office: Office, seed: int):
        self.office = office
        self.chance = random.Random(seed)
        self.control = office.control()
        self.desks = []
        self.members = []
        self.places = []  # [member, seat, claim or None]
        self.ids: list[tuple] = []  # (desk, id)

    async def begin(self) -> "Walk":
        self.desks = [await self.office.desk(name) for name in ("front-1", "front-2")]
        for _ in range(3):
            self.hire()
        return self

    def hire(self) -> None:
        member = self.office.member()
        self.members.append(member)
        self.places += [[member, self.office.seat(member, number), None] for number in range(2)]

    async def step(self) -> str:
        steps = (self.put, self.put, self.put_large, self.withdraw, self.work, self.work, self.work)
        rare = (self.die, self.pause, self.resume, self.beat, self.stage_in_vain)
        step = self.chance.choice(steps * 3 + rare)
        await step()
        return step.__name__

    async def put(self) -> None:
        desk = self.chance.choice(self.desks)
        ids = [f"{len(self.ids) + n}" for n in range(self.chance.randint(1, 3))]
        self.ids += [(desk, id) for id in ids]
        hold = self.chance.choice((0.001, 60, 60, 60))
        queue, most = self.chance.choice(QUEUES), self.chance.choice((1, 2))
        await self.office.put(desk, *ids, queue=queue, most=most, hold=hold)

    async def put_large(self) -> None:
        desk, id = self.chance.choice(self.desks), f"{len(self.ids)}"
        self.ids.append((desk, id))
        for number in range(2):
            await desk.stage(id, number, b"x" * 1000, 60)
        order = self.office.order(desk.front, id, body=b"x" * 2000, chunks=2)
        await self.office.send(desk, order)

    async def stage_in_vain(self) -> None:
        desk, id = self.chance.choice(self.desks), f"{len(self.ids)}"
        self.ids.append((desk, id))
        await desk.stage(id, 0, b"x" * 1000, 60)

    async def withdraw(self) -> None:
        if self.ids:
            desk, id = self.chance.choice(self.ids[-20:])
            await desk.withdraw([id])

    async def work(self) -> None:
        place = self.chance.choice(self.places)
        _, seat, claim = place
        if claim is None:
            place[2] = seat.turn(None)
            return
        if self.chance.random() < 0.3:
            seat.push(claim, part(claim, 0))
        outcome = self.chance.choice(("answered", "answered", "released", "bad_response"))
        more = self.chance.random() < 0.5
        done = answer(claim) if outcome == "answered" else Settlement(claim, outcome)
        place[2] = seat.turn(done, claim=more)

    async def die(self) -> None:
        member = self.chance.choice(self.members)
        self.members.remove(member)
        self.places = [place for place in self.places if place[0] is not member]
        self.office.link().script("worker_reap", member.worker)
        self.hire()

    async def pause(self) -> None:
        self.control.pause([self.chance.choice(QUEUES)], 60, by="test")

    async def resume(self) -> None:
        self.control.resume(QUEUES)

    async def beat(self) -> None:
        for desk in self.desks:
            await desk.beat()
            await desk.sample()

    async def end(self) -> None:
        self.control.resume(QUEUES)
        for _, seat, claim in self.places:
            if claim is not None:
                seat.turn(answer(claim), claim=False)
        ids_of(self.places[0][1])
        for desk in self.desks:
            await desk.leave()
        for member in self.members:
            member.leave()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counters_and_keys(office, seed):
    walk = await Walk(office, seed).begin()
    trail = []
    for _ in range(STEPS):
        trail.append(await walk.step())
        assert office.counters() == office.there(), trail
    await walk.end()
    counters = office.counters()
    assert (counters.bytes, counters.waiting, counters.in_flight) == (0, 0, 0), trail
    assert office.left() == set()
    for queue in QUEUES:
        assert office.client.xlen(office.keys.named("queue", queue)) == 0


async def test_answers_are_deleted_once_read(office):
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, *"abc")
    ids_of(seat)
    assert len(await desk.read()) == 3
    await office.put(desk, "d")
    ids_of(seat)
    assert len(await desk.read()) == 1
    assert office.client.xlen(office.keys.named("replies", "front-1")) == 1


async def test_what_outlives_its_owner_expires(office):
    """A front and a worker that vanish leave nothing that stays for good."""
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "a")
    claim = seat.turn(None)
    seat.push(claim, part(claim, 0))
    await desk.credit([("a", 1)])
    await desk.stage("big", 0, b"x", 60)
    for kind, name in (("replies", "front-1"), ("flow", "a"), ("body", "big")):
        assert 0 < office.client.pttl(office.keys.named(kind, name)) <= 120_000
