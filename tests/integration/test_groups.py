"""Requests of a group (policy ``at_most``): never more leases than may be, whatever happens."""

import random

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.observe.groups import GroupStats
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.exceptions import DecodeError, ScriptFailed
from queueproxy.keys import Keys
from queueproxy.records import Held, Lease, Meta, pack, parse

from ..brokers import ABOUT, QUEUES, BrokerKit, answer, eventually, ids_of, size_of
from .test_broker_errors import broken

IMPORTS = {"group": "/import/", "at_most": 2}


def released(claim) -> Settlement:
    return Settlement(claim, "released")


def refused(claim) -> Settlement:
    return Settlement(claim, "malformed")


class Workers:
    """Threads, each a worker of its own, and what they hold."""

    def __init__(self, kit, number: int):
        self.kit = kit
        self.registrations = [kit.registration() for _ in range(number)]
        self.threads = [kit.worker_broker(registration) for registration in self.registrations]
        self.claims: list = [None] * number

    def claim(self) -> list[str]:
        """Each idle one claims; the ids."""
        found = []
        for number, thread in enumerate(self.threads):
            if self.claims[number] is None:
                self.claims[number] = claim = thread.settle_and_claim(None)
                found += [claim.id] if claim else []
        return found

    def settle(self, id: str, end=answer, *, claim: bool = False) -> str | None:
        """End one; what its thread claimed instead."""
        (number,) = (n for n, c in enumerate(self.claims) if c and c.id == id)
        got = self.threads[number].settle_and_claim(end(self.claims[number]), claim=claim)
        self.claims[number] = got
        return got and got.id

    def lose(self, id: str) -> None:
        """The process that runs it dies."""
        (number,) = (n for n, c in enumerate(self.claims) if c and c.id == id)
        self.registrations[number].leave()
        self.registrations[number] = self.kit.registration()
        self.threads[number] = self.kit.worker_broker(self.registrations[number])
        self.claims[number] = None


@pytest.fixture
async def front(kit):
    return await kit.front_broker()


@pytest.fixture
def workers(kit):
    return Workers(kit, 6)


def group_of(kit, name: str = "/import/") -> tuple[int, int, int]:
    """How many may run, run, and wait."""
    groups = SnapshotReader(kit.link(), QUEUES).snapshot().groups
    found = {group.name: group for group in groups}
    return found[name][1:4] if name in found else (0, 0, 0)


async def test_others_pass_those_that_wait_for_their_group(kit, front, workers):
    await kit.put(front, "i1", "i2", "i3", "i4", **IMPORTS)
    await kit.put(front, "a", "b")
    assert workers.claim() == ["i1", "i2", "a", "b"]
    assert group_of(kit) == (2, 2, 2)
    assert kit.recount() == []


async def test_who_waits_goes_on_first_in_first_out(kit, front, workers):
    await kit.put(front, *"123456", **IMPORTS)
    await kit.put(front, "a")
    assert workers.claim() == ["1", "2", "a"]
    await kit.put(front, "b", "c")
    await kit.put(front, "7", **IMPORTS)
    # Before what came later and waits for nothing but a worker.
    assert workers.settle("2", claim=True) == "3"
    assert workers.settle("1", claim=True) == "4"
    assert workers.claim() == ["b", "c"]
    order = []
    for id in "3456":
        order.append(workers.settle(id, claim=True))
    assert order == ["5", "6", "7", None]
    assert kit.recount() == []


async def test_nothing_is_left_at_rest(kit, front, workers):
    await kit.put(front, *"12345", **IMPORTS)
    assert sorted(ids_of(workers.threads[0])) == list("12345")
    assert kit.client.hgetall(kit.keys.groups) == {}
    assert kit.left() <= {"workers", "worker", "fronts", "front", "replies"}
    state = kit.client.hgetall(kit.keys.state)
    assert int(state.get(b"in_line:default", 0)) == 0
    assert kit.recount() == []


@pytest.mark.parametrize(
    "end", [answer, released, refused], ids=["answered", "released", "refused"]
)
async def test_a_place_is_free_again_however_a_request_ends(kit, front, workers, end):
    await kit.put(front, *"123", most=1, **IMPORTS)
    assert workers.claim() == ["1", "2"]
    workers.settle("1", end)
    assert workers.claim() == (["1"] if end is released else ["3"])
    assert group_of(kit)[1] == 2
    assert kit.recount() == []


async def test_a_lost_worker_frees_its_place(kit, front, workers):
    """A request that may be run again has its turn before those that waited behind it."""
    await kit.put(front, *"123", **IMPORTS)
    await kit.put(front, "post", most=1, **IMPORTS)
    assert workers.claim() == ["1", "2"]
    workers.lose("1")
    assert workers.claim() == ["1"]
    workers.settle("1")
    assert workers.claim() == ["3"]
    workers.settle("2")
    assert workers.claim() == ["post"]
    workers.lose("post")
    assert group_of(kit) == (2, 1, 0)
    assert kit.recount() == []


async def test_an_expired_lease_frees_its_place(broker):
    kit = BrokerKit(broker.url, lease=0.05)
    front = await kit.front_broker(lease=60)
    await kit.put(front, "1", "2", group="g", at_most=1, most=1)
    kit.worker_broker().settle_and_claim(None)
    (expires,) = (score for _, score in kit.client.zrange(kit.keys.workers, 0, -1, withscores=True))
    await kit.lease_time_after(expires)
    await front.beat()  # anybody's sweeps
    assert kit.worker_broker(kit.registration(lease=60)).settle_and_claim(None).id == "2"
    assert kit.recount() == []
    await kit.close()


@pytest.mark.parametrize("why", ["left", "expired"])
async def test_withdrawn_while_it_waits_for_its_group(kit, front, workers, why):
    await kit.put(front, *"1234", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    assert await front.withdraw(["3"], why) == ["withdrawn"]
    assert group_of(kit) == (2, 2, 1)
    assert kit.recount() == []
    assert workers.settle("1", claim=True) == "4"


async def test_the_next_is_called_when_who_was_called_leaves(kit, front, workers):
    """Its place would else be nobody's until another ends."""
    await kit.put(front, *"1234", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    workers.settle("2")
    assert await front.withdraw(["3"]) == ["withdrawn"]
    assert workers.claim() == ["4"]
    assert kit.recount() == []


async def test_the_next_is_called_when_who_was_called_is_too_late(kit, front, workers):
    await kit.put(front, *"12", **IMPORTS)
    await kit.put(front, "3", hold=0.05, **IMPORTS)
    await kit.put(front, "4", **IMPORTS)
    put_at = kit.now_ms()
    assert workers.claim() == ["1", "2"]
    await eventually(lambda: kit.now_ms() > put_at + 60)
    workers.settle("2")
    assert workers.claim() == ["4"]
    assert await kit.answers(front) == {"2": ["200"], "3": ["hold_expired"]}
    assert kit.recount() == []


async def test_who_runs_and_is_withdrawn_keeps_its_place_until_its_worker_ends(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    assert await front.withdraw(["1"]) == ["in_flight"]
    assert workers.claim() == []
    workers.settle("1")
    assert workers.claim() == ["3"]
    assert kit.recount() == []


async def test_a_front_that_goes_takes_its_own_along(kit, front, workers):
    other = await kit.front_broker("front-2")
    await kit.put(front, "1", "2", **IMPORTS)
    await kit.put(other, "o1", "o2", **IMPORTS)
    await kit.put(front, "3", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    await other.leave()
    assert group_of(kit) == (2, 2, 1)
    assert workers.settle("1", claim=True) == "3"
    assert kit.recount() == []


async def test_an_operator_withdraws_one_from_the_line(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    workers.claim()
    control = kit.control()
    (waiting,) = control.oldest(QUEUES, 10)
    assert waiting.path == "/3"
    assert control.operator_withdraw(waiting.queue, waiting.entry)
    assert await kit.answers(front) == {"3": ["withdrawn"]}
    assert group_of(kit) == (2, 2, 0)
    assert kit.recount() == []


async def test_a_pause_starts_none_of_the_line(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    kit.control().pause(QUEUES, 60, by="test")
    assert workers.settle("1", claim=True) is None
    assert workers.claim() == []
    kit.control().resume(QUEUES)
    assert workers.claim() == ["3"]
    assert kit.recount() == []


async def test_a_queue_that_is_paused_keeps_no_place_from_another(kit, front, workers):
    await kit.put(front, "1", "2", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    await kit.put(front, "d", **IMPORTS)
    await kit.put(front, "l", queue="low", **IMPORTS)
    assert workers.claim() == []
    kit.control().pause(["default"], 60, by="test")
    workers.settle("1")
    assert workers.claim() == ["l"]
    kit.control().resume(["default"])
    assert workers.claim() == []
    assert kit.recount() == []
    workers.settle("l")
    assert workers.claim() == ["d"]
    assert kit.recount() == []


async def test_strict_priority_among_those_of_one_group(kit, front, workers):
    await kit.put(front, "1", "2", **IMPORTS)
    workers.claim()
    await kit.put(front, "l", queue="low", **IMPORTS)
    await kit.put(front, "h1", "h2", queue="high", **IMPORTS)
    assert workers.claim() == []
    ends = [workers.settle(id, claim=True) for id in ("1", "2", "h1")]
    assert ends == ["h1", "h2", "l"]
    assert kit.recount() == []


async def test_groups_have_nothing_to_do_with_each_other(kit, front, workers):
    await kit.put(front, "a1", "a2", group="a", at_most=1)
    await kit.put(front, "b1", "b2", group="b", at_most=1)
    assert workers.claim() == ["a1", "b1"]
    assert workers.settle("b1", claim=True) == "b2"
    assert kit.recount() == []


@pytest.mark.parametrize(("group", "at_most"), [("", 1), ("g", 0)])
async def test_no_limit_without_both(kit, front, workers, group, at_most):
    await kit.put(front, *"123", group=group, at_most=at_most)
    assert workers.claim() == list("123")
    assert kit.client.hgetall(kit.keys.groups) == {}


async def test_a_name_with_spaces_is_a_word(kit, front, workers):
    await kit.put(front, "1", "2", group="a view\nof ours", at_most=1)
    assert workers.claim() == ["1"]
    assert workers.threads[0].open(workers.claims[0]).head.group == "a view\nof ours"
    assert group_of(kit, "a_view_of_ours") == (1, 1, 1)


async def test_depth_of_its_own(broker):
    kit = BrokerKit(broker.url, depth=12)
    front, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front, "run", group="g", at_most=1)
    worker.settle_and_claim(None)
    await kit.put(front, *"1234", group="g", at_most=1)
    assert await kit.answers(front) == {"4": ["group_full"]}  # a quarter
    assert kit.worker_broker().settle_and_claim(None) is None  # now they stand in the line
    await kit.put(front, *(f"o{n}" for n in range(12)))  # and take no room of the queue's
    assert set(await kit.answers(front)) == {"4"}
    await kit.put(front, "over")
    assert (await kit.answers(front))["over"] == ["queue_full"]
    assert kit.counters() == kit.there()
    assert kit.recount() == []
    await kit.close()


async def test_bytes_of_its_own(broker):
    """Large requests for a view that hangs leave room for others."""
    kit = BrokerKit(broker.url, memory=400_000)  # of which 300,000 are for requests
    front = await kit.front_broker()
    body = b"x" * 30_000
    await kit.put(front, *"123", body=body, group="g", at_most=1)
    assert await kit.answers(front) == {"3": ["group_full"]}
    await kit.put(front, *"456", body=body)
    assert set(await kit.answers(front)) == {"3"}
    assert kit.recount() == []
    assert ids_of(kit.worker_broker()) == list("12456")
    await kit.put(front, "huge", body=b"x" * 100_000, group="g", at_most=1)  # none waits
    assert "huge" not in await kit.answers(front)
    await kit.close()


async def test_a_limit_of_another_release(kit, front, workers):
    """Each runs by its own; the higher one lets those behind wait for the first in the line."""
    await kit.put(front, *"1234", group="g", at_most=3)
    await kit.put(front, "5", group="g", at_most=1)
    await kit.put(front, "6", "7", group="g", at_most=4)
    assert workers.claim() == ["1", "2", "3"]
    assert group_of(kit, "g") == (4, 3, 4)
    assert workers.settle("1", claim=True) == "4"
    assert [workers.settle(id, claim=True) for id in "234"] == [None, None, "5"]
    assert workers.claim() == ["6", "7"]
    assert kit.recount() == []


async def test_a_higher_limit_lets_more_start_at_once(kit, front, workers):
    await kit.put(front, *"12", group="g", at_most=1)
    assert workers.claim() == ["1"]
    await kit.put(front, *"34", group="g", at_most=4)
    assert workers.claim() == []  # "2" is first, and waits by the limit it came with
    assert workers.settle("1", claim=True) == "2"
    assert workers.claim() == ["3", "4"]
    assert kit.recount() == []


async def test_parked_ones_hold_nobody_up(kit, front, workers, monkeypatch):
    """Those in a wire version that this worker doesn't know, of the same group."""
    await kit.put(front, "1", "2", **IMPORTS)
    assert workers.claim() == ["1", "2"]
    with monkeypatch.context() as later:
        later.setattr("queueproxy.broker.encoded_request.WIRE_VERSION", "4")
        await kit.put(front, "new", **IMPORTS)
    await kit.put(front, "old", "old2", **IMPORTS)
    assert workers.claim() == []
    assert workers.settle("1", claim=True) == "old"
    assert kit.recount() == []
    with monkeypatch.context() as later:
        later.setattr("queueproxy.broker.slot.WIRE_VERSION", "4")
        assert workers.claim() == []  # "new" joins the line, at its place
        assert kit.recount() == []
    workers.settle("2")
    assert workers.claim() == ["old2"]
    assert kit.recount() == []


async def test_a_repeated_call_claims_one(kit, front):
    await kit.put(front, *"123", group="g", at_most=1)
    registration = kit.registration()
    thread, again = kit.worker_broker(registration), kit.worker_broker(registration)
    first = thread.settle_and_claim(None)
    assert again.settle_and_claim(None) == first
    second = thread.settle_and_claim(answer(first))
    assert again.settle_and_claim(answer(first)) == second
    assert (second.id, group_of(kit, "g")) == ("2", (1, 1, 1))
    assert kit.recount() == []


async def test_a_flush_forgets_all_of_it(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    workers.claim()
    kit.client.flushall()
    front = await kit.front_broker()
    kit.start_numbers_over(front)
    await kit.put(front, *"45", **IMPORTS)
    assert Workers(kit, 3).claim() == ["4", "5"]
    assert kit.recount() == []


@pytest.mark.parametrize(("most", "fate"), [(1, "started"), (2, "withdrawn")])
async def test_the_broker_may_have_forgotten_that_one_in_the_line_ran(kit, front, most, fate):
    """Another server (failover): no claim has come by that would have told its front."""
    await kit.put(front, "1", "2", most=most, group="g", at_most=1)
    workers = Workers(kit, 2)
    assert workers.claim() == ["1"]
    kit.client.hset(kit.keys.state, "run", "the server it was before")
    await front.join(ABOUT)
    assert await front.withdraw(["2"], "expired") == [fate]
    assert kit.recount() == []


async def test_many_in_the_line_hold_no_claim_up(kit, front, workers):
    """More than a claim looks at in one call."""
    await kit.put(front, *(f"i{n}" for n in range(150)), group="g", at_most=1)
    await kit.put(front, "a")
    assert workers.claim() == ["i0", "a"]
    assert group_of(kit, "g") == (1, 1, 149)
    assert kit.recount() == []


async def test_nobody_is_woken_for_a_line(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    workers.claim()
    bell = kit.keys.named("bell", "default")
    kit.client.delete(bell)
    await front.beat()
    assert not kit.client.exists(bell)
    workers.settle("1")
    assert kit.client.exists(bell)


async def test_a_worker_refuses_what_is_of_another_group_than_signed(kit, front, workers):
    """Somebody who can write to the broker lets a request pass its group's limit."""
    await kit.put(front, "1", group="g", at_most=1)
    workers.claim()
    await kit.put(front, "2", group="g", at_most=1)
    await _alter(kit, "2", group=None, at_most=0)
    assert workers.claim() == ["2"]
    with pytest.raises(DecodeError):
        workers.threads[1].open(workers.claims[1])


async def test_a_worker_refuses_another_limit_than_signed(kit, front, workers):
    await kit.put(front, *"12", group="g", at_most=1)
    await _alter(kit, "2", at_most=9)
    assert workers.claim() == ["1", "2"]
    with pytest.raises(DecodeError):
        workers.threads[1].open(workers.claims[1])


async def _alter(kit, id: str, **changes) -> None:
    """Put an altered entry in the place of a waiting one."""
    stream, held = kit.keys.named("queue", "default"), kit.keys.named("held", "front-1")
    record = parse(Held, kit.client.hget(held, id))
    ((_, fields),) = kit.client.xrange(stream, record.entry, record.entry)
    meta = pack(parse(Meta, fields[b"m"])._replace(**changes))
    entry = kit.client.xadd(stream, fields | {b"m": meta}).decode()
    group = changes.get("group", record.group)
    kit.client.hset(held, id, pack(record._replace(entry=entry, group=group)))
    kit.client.xdel(stream, record.entry)


@pytest.mark.parametrize("name", ["groups", "line:g"])
@pytest.mark.parametrize(
    "call", ["enqueue", "claim", "settle", "release", "withdraw", "reap", "leave"]
)
async def test_an_error_in_the_middle(kit, front, workers, name, call):
    """A key is of a type no script expects: the call does nothing, and can be done again."""
    await kit.put(front, *"123", group="g", at_most=1)
    assert workers.claim() == ["1"]
    await kit.put(front, "4", group="g", at_most=1)
    batch = [kit.encoded_request(front.front, id, group="g", at_most=1) for id in "56"]
    (running,) = filter(None, workers.claims)

    async def do() -> None:
        match call:
            case "enqueue":
                await front.enqueue(5, batch)
            case "claim":
                workers.threads[1].settle_and_claim(None)
            case "settle":
                workers.threads[0].settle_and_claim(answer(running), claim=False)
            case "release":
                workers.threads[0].settle_and_claim(released(running), claim=False)
            case "withdraw":
                await front.withdraw(["1", "2", "4"])
            case "leave":
                await front.leave()
            case "reap":
                kit.link().script("worker_reap", workers.registrations[0].worker)

    with broken(kit, name), pytest.raises(ScriptFailed):
        await do()
    assert kit.recount() == []
    await do()
    assert kit.recount() == []


async def test_status_says_who_runs_and_waits(kit, front, workers):
    await kit.put(front, *"1234", **IMPORTS)
    await kit.put(front, "l", queue="low", group="reports", at_most=3)
    workers.claim()
    snapshot = SnapshotReader(kit.link(), QUEUES).snapshot()
    waiting = sum(size_of(kit.encoded_request(front.front, id, **IMPORTS)) for id in "34")
    assert snapshot.groups == [
        GroupStats("/import/", 2, 2, 2, waiting),
        GroupStats("reports", 3, 1, 0, 0),
    ]
    assert [group.text for group in snapshot.groups] == ["2 of 2, 2 wait", "1 of 3"]
    (shown, _) = snapshot.as_status()["groups"]
    assert shown == {
        **{"name": "/import/", "at_most": 2, "running": 2},
        **{"waiting": 2, "waiting_bytes": waiting},
    }


async def test_the_oldest_wait_is_also_theirs(kit, front, workers):
    await kit.put(front, *"123", **IMPORTS)
    workers.claim()
    await kit.lease_time_after(kit.clock_ms() + 20)
    await kit.put(front, "young")
    default = SnapshotReader(kit.link(), QUEUES).snapshot().queues[1]
    assert (default.depth, default.oldest_wait_seconds >= 0.02) == (2, True)
    paths = [waiting.path for waiting in kit.control().oldest(QUEUES, 10)]
    assert paths == ["/3", "/young"]


async def test_never_more_than_may_whatever_happens(kit, front):
    """At random: everything that can happen to a request, thousands of times, always counted."""
    chance = random.Random(7)
    limits = {"a": 1, "b": 3}
    workers = Workers(kit, 8)
    alive: list[str] = []
    for step in range(1500):
        what = chance.random()
        running = [claim.id for claim in workers.claims if claim]
        if what < 0.35:
            group = chance.choice(["a", "b", ""])
            queue = chance.choice(QUEUES)
            most = chance.choice((1, 2))
            limit = limits.get(group, 0)
            await kit.put(front, f"r{step}", queue=queue, most=most, group=group, at_most=limit)
            alive.append(f"r{step}")
        elif what < 0.6:
            workers.claim()
        elif what < 0.85 and running:
            workers.settle(
                chance.choice(running), chance.choice((answer, answer, released)), claim=True
            )
        elif what < 0.9 and running:
            workers.lose(chance.choice(running))
        elif what < 0.95 and alive:
            await front.withdraw([chance.choice(alive)], chance.choice(("left", "expired")))
        elif what < 0.97:
            kit.control().pause([chance.choice(QUEUES)], 60, by="test")
        else:
            kit.control().resume(QUEUES)
        _leases_within(kit, limits)
        if step % 25 == 0:
            assert kit.recount() == [], step
    kit.control().resume(QUEUES)
    for _ in range(2 * len(alive)):
        workers.claim()
        running = [claim.id for claim in workers.claims if claim]
        if not running:
            break
        for id in running:
            workers.settle(id)
        _leases_within(kit, limits)
    assert kit.counters().waiting == kit.counters().in_flight == 0
    assert kit.recount() == []
    assert kit.client.hgetall(kit.keys.groups) == {}


def _leases_within(kit, limits: dict[str, int]) -> None:
    leases = [parse(Lease, text) for text in kit.client.hvals(Keys("kit").leases)]
    for group, limit in limits.items():
        assert sum(lease.group == group for lease in leases) <= limit
