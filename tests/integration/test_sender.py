"""The front's sender against a real broker that is slow, cut off, flushed and restarted."""

import asyncio
import contextlib

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.clients_progress import NOTHING
from queueproxy.envelopes import Frame
from queueproxy.front.held_request import DeliveryState, Failure, HeldRequest
from queueproxy.front.kept_answer import KeptFrame
from queueproxy.front.sender import SILENT_AFTER

from ..brokers import BrokerKit, answer, eventually, ids_of, part
from ..faults.proxy import FROM_BROKER, Proxy
from ..kit.broker_server import BrokerServer
from ..kit.ports import free_port

WITHIN = 15  # seconds


@pytest.fixture
async def own():
    """A server of the test's own, with nothing left after a restart, and its kit."""
    async with private() as pair:
        yield pair


@pytest.fixture
async def own_kept():
    """As own, but everything is kept."""
    async with private(appendonly="yes", appendfsync="always") as pair:
        yield pair


@contextlib.asynccontextmanager
async def private(**options):
    server = BrokerServer(**options).start()
    kit = BrokerKit(server.url)
    try:
        yield server, kit
    finally:
        await kit.close()
        server.stop()


def hold(kit, front, *ids, **options) -> list[HeldRequest]:
    return [front.hold(kit.encoded_request(front.id, id, **options)) for id in ids]


async def outcome(held: HeldRequest) -> str:
    """What comes next for a held request: a status or a reason."""
    event = await asyncio.wait_for(held.next_event(), WITHIN)
    return str(event.head.status) if isinstance(event, (Frame, KeptFrame)) else str(event)


async def outcomes(held_requests) -> list[str]:
    return [await outcome(held) for held in held_requests]


def depth(kit) -> int:
    return kit.counters().waiting


async def test_what_one_tick_brings_goes_in_one_trip(kit, front):
    stats = "cmdstat_fcall"
    before = kit.client.info("commandstats")[stats]["calls"]
    held_requests = hold(kit, front, *(f"r{n}" for n in range(60)))
    await eventually(lambda: depth(kit) == 60)
    after = kit.client.info("commandstats")[stats]["calls"]
    assert after - before <= 3  # one, and at most a heartbeat and a sample
    await eventually(lambda: all(held.state is DeliveryState.QUEUED for held in held_requests))
    assert ids_of(kit.worker_broker()) == [f"r{n}" for n in range(60)]
    assert await outcomes(held_requests) == ["200"] * 60


async def test_large_batches_are_split(kit, front):
    held_requests = hold(kit, front, *(f"r{n}" for n in range(300)), body=b"x" * 20_000)
    worker_broker = kit.worker_broker()
    await eventually(lambda: depth(kit) == 300)
    assert ids_of(worker_broker) == [f"r{n}" for n in range(300)]
    assert await outcomes(held_requests) == ["200"] * 300


async def test_holds_while_the_broker_is_not_there_yet(own, make_front):
    server, kit = own
    server.kill()
    front = make_front(kit)
    held_requests = hold(kit, front, "a", "b", most=1)
    await asyncio.sleep(0)
    assert not front.sender.reachable
    server.start()
    await eventually(lambda: depth(kit) == 2)
    assert ids_of(kit.worker_broker()) == ["a", "b"]
    assert await outcomes(held_requests) == ["200", "200"]


async def test_a_broker_that_says_nothing_is_silent_before_it_is_away(own, make_front):
    server, kit = own
    front = make_front(kit)
    await eventually(lambda: front.sender.reachable)
    assert not front.sender.silent
    server.freeze()
    await eventually(lambda: front.sender.silent)
    assert front.sender.reachable
    await eventually(lambda: not front.sender.reachable)
    away_for = front.sender.away_for
    assert away_for > SILENT_AFTER
    await eventually(lambda: front.sender.away_for > away_for + 1)  # it has asked again meanwhile
    server.thaw()
    await eventually(lambda: front.sender.reachable and not front.sender.silent)
    assert front.sender.away_for == 0


async def test_withdrawn_before_it_was_sent(own, make_front):
    server, kit = own
    server.kill()
    front = make_front(kit)
    held_requests = hold(kit, front, "a", "b")
    assert await front.withdraw(held_requests[0]) == "unsent"
    server.start()
    await eventually(lambda: depth(kit) == 1)
    assert ids_of(kit.worker_broker()) == ["b"]


async def test_broken_links_neither_lose_nor_double(kit, front):
    """The front's connections are killed again and again while it enqueues."""
    held_requests: list[HeldRequest] = []
    for round in range(20):
        held_requests += hold(kit, front, *(f"r{round}-{n}" for n in range(15)), most=1)
        await asyncio.sleep(0)
        for client in kit.client.client_list():
            if client["name"].startswith("queueproxy:front"):
                kit.client.client_kill_filter(_id=client["id"])
        await asyncio.sleep(0)
    await eventually(lambda: depth(kit) == 300)
    assert ids_of(kit.worker_broker()) == [held.request.id for held in held_requests]
    assert await outcomes(held_requests) == ["200"] * 300


async def test_replies_survive_a_broken_link(kit, front):
    held_requests = hold(kit, front, *"abc")
    worker_broker = kit.worker_broker()
    await eventually(lambda: depth(kit) == 3)
    for client in kit.client.client_list():
        if client["name"] == "queueproxy:front-replies":
            kit.client.client_kill_filter(_id=client["id"])
    assert ids_of(worker_broker) == list("abc")
    assert await outcomes(held_requests) == ["200"] * 3


async def test_a_flushed_broker(kit, front):
    """Repeatable ones go out again; those that may have run are not known to have, and are not."""
    gets = hold(kit, front, "g1", "g2")
    posts = hold(kit, front, "p1", "p2", most=1)
    await eventually(lambda: depth(kit) == 4)
    kit.client.flushall()
    later = hold(kit, front, "later", most=1)
    assert await outcomes(posts) == ["worker_lost"] * 2
    await eventually(lambda: depth(kit) == 3)
    assert sorted(ids_of(kit.worker_broker())) == ["g1", "g2", "later"]
    assert await outcomes([*gets, *later]) == ["200"] * 3
    assert [held.times_sent for held in gets] == [2, 2]


@pytest.mark.parametrize("most", [1, 10])
async def test_a_flushed_broker_where_time_is_up(kit, front, most):
    """Its end is its deadline's; no worker was lost with it."""
    (held,) = hold(kit, front, "a", most=most)
    await eventually(lambda: depth(kit) == 1)
    held.deadline = asyncio.get_running_loop().time()
    kit.client.flushall()
    assert await outcome(held) == "hold_expired_started"


async def test_a_broker_that_lost_all_in_a_restart(own, make_front):
    server, kit = own
    front = make_front(kit)
    gets = hold(kit, front, *(f"g{n}" for n in range(50)))
    (post,) = hold(kit, front, "p", most=1)
    await eventually(lambda: depth(kit) == 51)
    server.kill()
    await eventually(lambda: not front.sender.reachable)
    unsent = hold(kit, front, "while-away", most=1)
    server.start()
    assert await outcome(post) == "broker_lost"
    await eventually(lambda: depth(kit) == 51)
    assert len(ids_of(kit.worker_broker())) == 51
    assert await outcomes([*gets, *unsent]) == ["200"] * 51


async def test_an_answer_that_came_before_the_restart_is_not_lost(own_kept, make_front):
    """Kept in the broker's log: read before anything is called missing."""
    server, kit = own_kept
    front = make_front(kit)
    held_requests = hold(kit, front, *"abc", most=1)
    await eventually(lambda: depth(kit) == 3)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    worker_broker.settle_and_claim(answer(claim), claim=False)
    server.kill()
    server.start()
    assert await outcome(held_requests[0]) == "200"
    assert ids_of(kit.worker_broker()) == []  # the fence: b and c may have been started
    assert await outcomes(held_requests[1:]) == ["worker_lost"] * 2


async def test_a_front_that_was_given_up_comes_back(kit, make_front):
    front = make_front(kit, lease=0.3)
    (get,) = hold(kit, front, "get")
    await eventually(lambda: depth(kit) == 1)
    first = kit.client.hgetall(kit.keys.named("front", front.id))
    kit.link().script("front_leave", front.id)  # as the sweep does
    assert depth(kit) == 0
    await eventually(lambda: depth(kit) == 1)
    assert kit.client.hgetall(kit.keys.named("front", front.id)) != first
    assert ids_of(kit.worker_broker()) == ["get"]
    assert await outcome(get) == "200"


@pytest.fixture
async def proxied():
    """A server of the test's own, an kit there, and a proxy before it."""
    port = free_port()
    async with private(port=str(port)) as (_, kit):
        proxy = Proxy(port)
        yield kit, proxy
        proxy.close()


@pytest.mark.parametrize("most", [1, 2])
async def test_given_up_while_its_link_is_broken(proxied, make_front, most):
    """An enqueue arrives, its answer doesn't; by the next the broker has forgotten this front."""
    kit, proxy = proxied
    front = make_front(BrokerKit(proxy.url))
    # Its first round is over with a row of history: nothing but the enqueue is on its way then.
    await eventually(lambda: kit.client.hexists(kit.keys.state, "sampled"))
    proxy.block(FROM_BROKER)
    (held,) = hold(kit, front, "a", most=most)
    await eventually(lambda: depth(kit) == 1)
    assert ids_of(kit.worker_broker()) == ["a"]
    kit.link().script("front_leave", front.id)  # as the sweep does
    proxy.heal()
    if most == 1:
        assert await outcome(held) == "worker_lost"
        assert depth(kit) == 0
    else:
        await eventually(lambda: depth(kit) == 1)
        assert ids_of(kit.worker_broker()) == ["a"]
        assert held.times_sent == 2
        assert await outcome(held) == "200"


async def test_what_nobody_waits_for_is_withdrawn_after_a_restart(own_kept, make_front):
    server, kit = own_kept
    front = make_front(kit)
    mine, left = hold(kit, front, "mine", "left")
    await eventually(lambda: depth(kit) == 2)
    server.kill()
    front.inbox.remove(left)  # its client leaves while nobody can be told
    server.start()
    await eventually(lambda: depth(kit) == 1)
    assert ids_of(kit.worker_broker()) == ["mine"]
    assert await outcome(mine) == "200"


async def test_acknowledgement_and_withdrawal(kit, front):
    body = b"x" * 1000
    (held,) = hold(kit, front, "big", body=body)
    await eventually(lambda: depth(kit) == 1)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert worker_broker.open(claim).body == body
    worker_broker.push(claim, part(claim, 0))
    assert await outcome(held) == "200"
    for taken in (4, 9):
        held.kept.taken = taken
        front.acknowledge(held)
    progress = await asyncio.to_thread(kit.progress, worker_broker, 5)
    assert progress.taken == {"big": 9}  # one trip
    assert await front.withdraw(held) == "in_flight"
    assert kit.progress(worker_broker).left == {"big"}
    assert not worker_broker.push(claim, part(claim, 1))
    worker_broker.settle_and_claim(Settlement(claim, "abandoned"), claim=False)
    assert await front.withdraw(held) == "gone"
    assert kit.progress(worker_broker) == NOTHING
    assert kit.counters() == kit.there()


async def test_stop_leaves_nothing(kit, make_front):
    front = make_front(kit)
    hold(kit, front, "a", "b")
    await eventually(lambda: depth(kit) == 2)
    await front.stop()
    assert kit.left() == set()
    assert (kit.counters().bytes, depth(kit)) == (0, 0)


async def test_failures_are_told(kit, front):
    (held,) = hold(kit, front, "a")
    await eventually(lambda: depth(kit) == 1)
    worker_broker = kit.worker_broker()
    worker_broker.settle_and_claim(
        Settlement(worker_broker.settle_and_claim(None), "bad_response"), claim=False
    )
    told = await asyncio.wait_for(held.next_event(), WITHIN)
    assert isinstance(told, Failure)
    assert told == "bad_response"


async def test_a_notice_that_cannot_be_read_takes_no_other_reply_with_it(kit, front):
    (held,) = hold(kit, front, "a")
    await eventually(lambda: depth(kit) == 1)
    with kit.client.pipeline() as both:  # read by the front in one trip
        both.xadd(kit.keys.named("replies", front.id), {"n": b"{"})
        both.xadd(kit.keys.named("replies", front.id), {"n": b'{"id":"a","reason":"worker_lost"}'})
        both.execute()
    assert await outcome(held) == "worker_lost"
