"""The broker is flushed, restarted or full: what is kept, refused, and never repeated."""

import pytest

from queueproxy.exceptions import BrokerUnavailable, Fenced

from ..brokers import ABOUT, Office, answer, eventually, ids_of
from ..servers import BrokerServer


@pytest.fixture(params=["kept", "lost"])
def own_broker(request):
    """A server of the test's own, whose data survive a restart or do not."""
    kept = {"appendonly": "yes", "appendfsync": "always"} if request.param == "kept" else {}
    server = BrokerServer(**kept).start()
    server.keeps = bool(kept)
    yield server
    server.stop()


async def test_flushall(office):
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "a", "b")
    claim = seat.turn(None)
    office.client.flushall()
    with pytest.raises(Fenced):
        seat.turn(answer(claim))
    with pytest.raises(Fenced):
        await desk.beat()
    with pytest.raises(Fenced):
        await desk.enqueue(3, [office.order("front-1", "c")])
    assert (await desk.join(ABOUT)).taken == 0  # nothing of it is known
    assert await desk.missing(["a", "b"]) == ["a", "b"]
    await desk.enqueue(1, [office.order("front-1", "a")])
    assert ids_of(office.seat()) == ["a"]
    assert office.counters() == office.there()


async def test_function_flush(office):
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "a")
    office.client.execute_command("FUNCTION", "FLUSH")
    claim = seat.turn(None)
    office.client.execute_command("FUNCTION", "FLUSH")
    await office.put(desk, "b")
    office.client.execute_command("FUNCTION", "FLUSH")
    seat.turn(answer(claim), claim=False)
    assert await office.answers(desk) == {"a": ["200"]}
    assert ids_of(seat) == ["b"]


async def test_restart(own_broker):
    office = Office(own_broker.url)
    desk, seat = await office.desk(lease=0.05), office.seat()
    await office.put(desk, "flying")
    claim = seat.turn(None)
    await office.put(desk, "get")
    await office.put(desk, "post", most=1)
    own_broker.kill()
    with pytest.raises(BrokerUnavailable):
        seat.turn(answer(claim))
    with pytest.raises(BrokerUnavailable):
        await desk.beat()
    own_broker.start()
    if own_broker.keeps:
        await _after_restart_kept(office, desk, seat, claim)
    else:
        with pytest.raises(Fenced):
            seat.turn(answer(claim))
        assert (await desk.join(ABOUT)).taken == 0
    await office.close()


async def _after_restart_kept(office, desk, seat, claim):
    expires = office.client.zscore(office.keys.fronts, desk.front)
    await eventually(lambda: office.now_ms() > expires)
    await desk.beat()  # nobody could beat meanwhile: every lease has its length again
    following = seat.turn(answer(claim))
    assert following.id == "get"
    assert seat.turn(answer(following)) is None
    answers = await office.answers(desk)
    # Whether the unsafe one had been claimed in a write that was lost, nobody knows.
    assert answers == {"flying": ["200"], "get": ["200"], "post": ["worker_lost"]}
    assert [letter.reason for letter in office.control().dead_letters()] == ["epoch"]
    await office.put(desk, "post2", most=1)
    assert ids_of(seat) == ["post2"]
    assert office.counters() == office.there()


async def test_a_claim_that_was_forgotten_is_not_made_again(office):
    """As after a failover: the claim of an unsafe request is not in the replica's copy."""
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "post", most=1)
    before = {key: office.client.dump(key) for key in office.client.keys("*")}
    claim = seat.turn(None)
    assert claim.id == "post"
    for key in office.client.keys("*"):
        if key not in before:
            office.client.delete(key)
    for key, dump in before.items():
        office.client.restore(key, 0, dump, replace=True)
    office.client.hset(office.keys.state, "run", "the server it was before")
    assert ids_of(office.seat()) == []
    assert await office.answers(desk) == {"post": ["worker_lost"]}
    assert seat.turn(answer(claim)) is None  # nor does its late answer go anywhere
    assert await office.answers(desk) == {"post": ["worker_lost"]}
    assert office.counters() == office.there()


async def test_out_of_memory(office):
    """A full server takes no more, but what it has is run, answered and given back."""
    desk, seat = await office.desk(), office.seat()
    await office.put(desk, "a", "b", "c")
    office.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BrokerUnavailable):
            await office.put(desk, "over")
        with pytest.raises(BrokerUnavailable):
            await desk.stage("big", 0, b"x", 60)
        assert await desk.withdraw(["b"]) == ["withdrawn"]
        assert ids_of(seat) == ["a", "c"]
        await desk.beat()
    finally:
        office.client.config_set("maxmemory", 0)
    await office.put(desk, "over")
    assert ids_of(seat) == ["over"]
    assert await office.answers(desk) == {id: ["200"] for id in ("a", "c", "over")}


async def test_a_read_only_replica_is_away(office):
    """A demoted master answers READONLY: that is no error of ours."""
    desk, seat = await office.desk(), office.seat()
    office.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(BrokerUnavailable):
            await office.put(desk, "a")
        with pytest.raises(BrokerUnavailable):
            seat.turn(None)
    finally:
        office.client.execute_command("REPLICAOF", "NO", "ONE")
    await office.put(desk, "a")
    assert ids_of(seat) == ["a"]


async def test_a_spell_ends_with_the_lease_of_a_front(office):
    desk = await office.desk(lease=0.05)
    first = (await desk.join(ABOUT)).spell
    assert (await desk.join(ABOUT)).spell == first  # the first answer was lost
    expires = office.client.zscore(office.keys.fronts, desk.front)
    await eventually(lambda: office.now_ms() > expires)
    again = (await desk.join(ABOUT)).spell  # half of what it held may have been dropped by now
    assert again != first
    office.link().script("front_leave", desk.front)
    left = office.now_ms()
    await eventually(lambda: office.now_ms() > left)
    assert (await desk.join(ABOUT)).spell not in (first, again)


async def test_a_spell_ends_with_the_run_of_the_server(own_broker):
    office = Office(own_broker.url)
    desk = await office.desk()
    first = (await desk.join(ABOUT)).spell
    own_broker.kill()
    own_broker.start()
    with pytest.raises(BrokerUnavailable):
        await desk.beat()
    assert (await desk.join(ABOUT)).spell != first
    await office.close()
