"""What is not run: while another attempt may commit, and outside of the transaction."""

import msgspec.structs

from queueproxy.broker.encoded_request import encode_request
from queueproxy.envelopes import RequestHead

from ...brokers import eventually
from .asking import ATTEMPTS, lose, post

# While another attempt may still commit.


async def second_attempt(kit, client, id: str, target: str) -> None:
    """Have its front send it again, which the broker has lost."""
    kit.client.hdel(kit.keys.named("held", client.front_broker.front), id)
    await post(client, target, id=id)


async def test_nobody_waits_for_an_attempt_that_runs(database, client, start, state, kit):
    start(threads=2)
    target = "/effect/a/?wait=first"
    id = await post(client, target)
    await eventually(lambda: state.runs == ["a"])
    await second_attempt(kit, client, id, target)
    if not database.is_sqlite:  # it has one write lock for all
        assert await client.status(await client.ask("/plain/x/?status=204")) == 204
    state.gates["first"].set()
    assert await client.status(id) == 200
    assert state.runs.count("a") == 1
    assert database.effects.count("a") == 1


async def test_a_session_does_not_outlive_the_hold(server_database, client, start, state, kit):
    """Where no other attempt comes to end it."""
    start()
    await post(client, "/effect/a/?wait=first", hold_ms=4000)
    await eventually(lambda: server_database.sessions_in_transaction == 1)
    await eventually(lambda: server_database.sessions_in_transaction == 0)
    state.gates["first"].set()
    await eventually(lambda: kit.counters().in_flight == 0 and kit.counters().waiting == 0)
    assert (server_database.effects, state.runs) == ([], ["a"])


async def test_an_earlier_attempt_that_is_idle_is_ended(server_database, client, start, state, kit):
    """A frozen worker keeps its session; the next attempt ends that."""
    start(threads=2)
    target = "/effect/a/?wait=never"
    id = await post(client, target)
    await eventually(lambda: server_database.sessions_in_transaction == 1)
    await second_attempt(kit, client, id, "/effect/a/")
    assert await client.status(id) == 200
    assert server_database.effects == ["a"]
    state.gates["never"].set()
    await eventually(lambda: server_database.sessions_in_transaction == 0)
    assert server_database.effects == ["a"]
    assert server_database.rows == [(id, 200)]


# The last word.


async def test_a_view_is_not_run_outside_of_its_transaction(database, client, start, state):
    start()
    id = await post(client, "/effect/a/", fenced="", max_attempts=1)
    assert await client.notice(id) == "misrouted"
    assert state.runs == []


async def test_a_front_that_does_not_know_sends_it_once_more(
    database, client, start, state, kit, make_front
):
    """As one that has just started, or goes by the table of another release."""
    start()
    front = make_front(kit)
    await eventually(lambda: front.sender.reachable)
    head = client.encoded_request("/effect/a/", "POST", headers=[("Host", "a")])
    decoded = msgspec.json.decode(head.head, type=RequestHead)
    decoded = msgspec.structs.replace(decoded, id=front.new_id(), front=front.id)
    with front.hold(encode_request(decoded, "default", b"")) as held:
        frame = await held.next_event()
        assert frame.head.status == 200
        assert held.request.meta.max_attempts == ATTEMPTS
    assert state.runs == ["a"]
    assert database.rows == [(decoded.id, 200)]


async def test_nor_in_that_of_another_database(database, client, start, state):
    start()
    assert await client.notice(await post(client, "/elsewhere/a/")) == "misrouted"
    assert (state.runs, database.rows) == ([], [])


async def test_nor_where_there_is_no_such_database(database, client, start, state):
    start()
    assert await client.notice(await post(client, "/effect/a/", fenced="gone")) == "misrouted"


async def test_what_may_have_run_elsewhere_is_not_said_to_be_safe(
    database, client, start, state, kit
):
    id = await post(client, "/effect/a/", fenced="", max_attempts=2)
    lose(kit, id)
    start()
    assert await client.notice(id) == "worker_lost"


async def test_a_get_needs_no_transaction(database, client, start, state):
    start()
    assert await client.status(await client.ask("/effect/a/")) == 200
    assert database.rows == []


async def test_a_worker_with_an_event_loop_runs_none(database, client, start, state):
    start(at_once=2)
    assert await client.notice(await post(client, "/effect/a/")) == "misrouted"
