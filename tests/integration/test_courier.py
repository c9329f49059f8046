"""The front's courier against a real broker that is slow, cut off, flushed and restarted."""

import asyncio
import contextlib

import pytest

from queueproxy.broker.seat import Settlement
from queueproxy.envelopes import Frame
from queueproxy.front.ticket import Failure, State, Ticket

from ..brokers import Office, answer, eventually, ids_of, part
from ..faults.proxy import FROM_BROKER, Proxy
from ..ports import free_port
from ..servers import BrokerServer

WITHIN = 15  # seconds


@pytest.fixture
async def own():
    """A server of the test's own, with nothing left after a restart, and its office."""
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
    office = Office(server.url)
    try:
        yield server, office
    finally:
        await office.close()
        server.stop()


def submit(office, front, *ids, **options) -> list[Ticket]:
    return [front.submit(office.order(front.id, id, **options)) for id in ids]


async def news(ticket: Ticket) -> str:
    """What a ticket is told next: a status or a reason."""
    told = await asyncio.wait_for(ticket.next(), WITHIN)
    return str(told.head.status) if isinstance(told, Frame) else str(told)


async def all_news(tickets) -> list[str]:
    return [await news(ticket) for ticket in tickets]


def depth(office) -> int:
    return office.counters().waiting


async def test_what_one_tick_brings_goes_in_one_trip(office, front):
    stats = "cmdstat_fcall"
    before = office.client.info("commandstats")[stats]["calls"]
    tickets = submit(office, front, *(f"r{n}" for n in range(60)))
    await eventually(lambda: depth(office) == 60)
    after = office.client.info("commandstats")[stats]["calls"]
    assert after - before <= 3  # one, and at most a heartbeat and a sample
    await eventually(lambda: all(ticket.state is State.QUEUED for ticket in tickets))
    assert ids_of(office.seat()) == [f"r{n}" for n in range(60)]
    assert await all_news(tickets) == ["200"] * 60


async def test_large_batches_are_split(office, front):
    tickets = submit(office, front, *(f"r{n}" for n in range(300)), body=b"x" * 20_000)
    seat = office.seat()
    await eventually(lambda: depth(office) == 300)
    assert ids_of(seat) == [f"r{n}" for n in range(300)]
    assert await all_news(tickets) == ["200"] * 300


async def test_holds_while_the_broker_is_not_there_yet(own, make_front):
    server, office = own
    server.kill()
    front = make_front(office)
    tickets = submit(office, front, "a", "b", most=1)
    await asyncio.sleep(0)
    assert not front.courier.reachable
    server.start()
    await eventually(lambda: depth(office) == 2)
    assert ids_of(office.seat()) == ["a", "b"]
    assert await all_news(tickets) == ["200", "200"]


async def test_withdrawn_before_it_was_sent(own, make_front):
    server, office = own
    server.kill()
    front = make_front(office)
    tickets = submit(office, front, "a", "b")
    assert await front.courier.withdraw(tickets[0]) == "unsent"
    server.start()
    await eventually(lambda: depth(office) == 1)
    assert ids_of(office.seat()) == ["b"]


async def test_broken_links_neither_lose_nor_double(office, front):
    """The front's connections are killed again and again while it enqueues."""
    tickets: list[Ticket] = []
    for round in range(20):
        tickets += submit(office, front, *(f"r{round}-{n}" for n in range(15)), most=1)
        await asyncio.sleep(0)
        for client in office.client.client_list():
            if client["name"].startswith("queueproxy:front"):
                office.client.client_kill_filter(_id=client["id"])
        await asyncio.sleep(0)
    await eventually(lambda: depth(office) == 300)
    assert ids_of(office.seat()) == [ticket.order.id for ticket in tickets]
    assert await all_news(tickets) == ["200"] * 300


async def test_replies_survive_a_broken_link(office, front):
    tickets = submit(office, front, *"abc")
    seat = office.seat()
    await eventually(lambda: depth(office) == 3)
    for client in office.client.client_list():
        if client["name"] == "queueproxy:front-replies":
            office.client.client_kill_filter(_id=client["id"])
    assert ids_of(seat) == list("abc")
    assert await all_news(tickets) == ["200"] * 3


async def test_a_flushed_broker(office, front):
    """Repeatable ones go out again; those that may have run are not known to have, and are not."""
    gets = submit(office, front, "g1", "g2")
    posts = submit(office, front, "p1", "p2", most=1)
    await eventually(lambda: depth(office) == 4)
    office.client.flushall()
    later = submit(office, front, "later", most=1)
    assert await all_news(posts) == ["worker_lost"] * 2
    await eventually(lambda: depth(office) == 3)
    assert sorted(ids_of(office.seat())) == ["g1", "g2", "later"]
    assert await all_news([*gets, *later]) == ["200"] * 3
    assert all(ticket.sent_again for ticket in gets)


async def test_a_broker_that_lost_all_in_a_restart(own, make_front):
    server, office = own
    front = make_front(office)
    gets = submit(office, front, *(f"g{n}" for n in range(50)))
    (post,) = submit(office, front, "p", most=1)
    await eventually(lambda: depth(office) == 51)
    server.kill()
    await eventually(lambda: not front.courier.reachable)
    unsent = submit(office, front, "while-away", most=1)
    server.start()
    assert await news(post) == "worker_lost"
    await eventually(lambda: depth(office) == 51)
    assert len(ids_of(office.seat())) == 51
    assert await all_news([*gets, *unsent]) == ["200"] * 51


async def test_an_answer_that_came_before_the_restart_is_not_lost(own_kept, make_front):
    """Kept in the broker's log: read before anything is called missing."""
    server, office = own_kept
    front = make_front(office)
    tickets = submit(office, front, *"abc", most=1)
    await eventually(lambda: depth(office) == 3)
    seat = office.seat()
    claim = seat.turn(None)
    seat.turn(answer(claim), claim=False)
    server.kill()
    server.start()
    assert await news(tickets[0]) == "200"
    assert ids_of(office.seat()) == []  # the fence: b and c may have been started
    assert await all_news(tickets[1:]) == ["worker_lost"] * 2


async def test_a_front_that_was_given_up_comes_back(office, make_front):
    front = make_front(office, lease=0.3)
    (get,) = submit(office, front, "get")
    await eventually(lambda: depth(office) == 1)
    first = office.client.hgetall(office.keys.named("front", front.id))
    office.link().script("front_leave", front.id)  # as the sweep does
    assert depth(office) == 0
    await eventually(lambda: depth(office) == 1)
    assert office.client.hgetall(office.keys.named("front", front.id)) != first
    assert ids_of(office.seat()) == ["get"]
    assert await news(get) == "200"


@pytest.fixture
async def proxied():
    """A server of the test's own, an office there, and a proxy before it."""
    port = free_port()
    async with private(port=str(port)) as (_, office):
        proxy = Proxy(port)
        yield office, proxy
        proxy.close()


@pytest.mark.parametrize("most", [1, 2])
async def test_given_up_while_its_link_is_broken(proxied, make_front, most):
    """An enqueue arrives, its answer doesn't; by the next the broker has forgotten this front."""
    office, proxy = proxied
    front = make_front(Office(proxy.url))
    await eventually(lambda: front.courier.reachable)
    proxy.block(FROM_BROKER)
    (ticket,) = submit(office, front, "a", most=most)
    await eventually(lambda: depth(office) == 1)
    assert ids_of(office.seat()) == ["a"]
    office.link().script("front_leave", front.id)  # as the sweep does
    proxy.heal()
    if most == 1:
        assert await news(ticket) == "worker_lost"
        assert depth(office) == 0
    else:
        await eventually(lambda: depth(office) == 1)
        assert ids_of(office.seat()) == ["a"]
        assert ticket.sent_again
        assert await news(ticket) == "200"


async def test_what_nobody_waits_for_is_withdrawn_after_a_restart(own_kept, make_front):
    server, office = own_kept
    front = make_front(office)
    mine, left = submit(office, front, "mine", "left")
    await eventually(lambda: depth(office) == 2)
    server.kill()
    front.inbox.remove(left)  # its client leaves while nobody can be told
    server.start()
    await eventually(lambda: depth(office) == 1)
    assert ids_of(office.seat()) == ["mine"]
    assert await news(mine) == "200"


async def test_chunks_credit_and_withdrawal(office, front):
    body = b"x" * 1000
    assert await front.courier.stage("big", 0, body, 60)
    (ticket,) = submit(office, front, "big", body=body, chunks=1)
    await eventually(lambda: depth(office) == 1)
    seat = office.seat()
    claim = seat.turn(None)
    assert seat.open(claim).body == body
    seat.push(claim, part(claim, 0))
    assert await news(ticket) == "200"
    front.courier.credit("big", 4)
    front.courier.credit("big", 5)
    assert await asyncio.to_thread(seat.credit, claim, 5) == 9  # one trip
    assert await front.courier.withdraw(ticket) == "in_flight"
    assert not seat.push(claim, part(claim, 1))
    seat.turn(Settlement(claim, "abandoned"), claim=False)
    assert await front.courier.withdraw(ticket) == "gone"
    assert office.counters() == office.there()


async def test_stop_leaves_nothing(office, make_front):
    front = make_front(office)
    submit(office, front, "a", "b")
    await eventually(lambda: depth(office) == 2)
    await front.stop()
    assert office.left() == set()
    assert (office.counters().bytes, depth(office)) == (0, 0)


async def test_failures_are_told(office, front):
    (ticket,) = submit(office, front, "a")
    await eventually(lambda: depth(office) == 1)
    seat = office.seat()
    seat.turn(Settlement(seat.turn(None), "bad_response"), claim=False)
    told = await asyncio.wait_for(ticket.next(), WITHIN)
    assert isinstance(told, Failure)
    assert told == "bad_response"
