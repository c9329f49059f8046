"""The broker is flushed, restarted or full: what is kept, refused, and never repeated."""

import pytest

from queueproxy.exceptions import BrokerUnavailable, Fenced

from ..brokers import ABOUT, BrokerKit, answer, eventually, ids_of
from ..kit.broker_server import BrokerServer


@pytest.fixture(params=["kept", "lost"])
def own_broker(request):
    """A server of the test's own, whose data survive a restart or do not."""
    kept = {"appendonly": "yes", "appendfsync": "always"} if request.param == "kept" else {}
    server = BrokerServer(**kept).start()
    server.keeps = bool(kept)
    yield server
    server.stop()


async def test_flushall(kit):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a", "b")
    claim = worker_broker.settle_and_claim(None)
    kit.client.flushall()
    with pytest.raises(Fenced):
        worker_broker.settle_and_claim(answer(claim))
    with pytest.raises(Fenced):
        await front_broker.beat()
    with pytest.raises(Fenced):
        await front_broker.enqueue(3, [kit.encoded_request("front-1", "c")])
    assert (await front_broker.join(ABOUT)).taken == 0  # nothing of it is known
    assert await front_broker.missing(["a", "b"]) == ["a", "b"]
    await front_broker.enqueue(1, [kit.encoded_request("front-1", "a")])
    assert ids_of(kit.worker_broker()) == ["a"]
    assert kit.counters() == kit.there()


async def test_function_flush(kit):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    kit.client.execute_command("FUNCTION", "FLUSH")
    claim = worker_broker.settle_and_claim(None)
    kit.client.execute_command("FUNCTION", "FLUSH")
    await kit.put(front_broker, "b")
    kit.client.execute_command("FUNCTION", "FLUSH")
    worker_broker.settle_and_claim(answer(claim), claim=False)
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert ids_of(worker_broker) == ["b"]


async def test_restart(own_broker):
    kit = BrokerKit(own_broker.url)
    front_broker, worker_broker = await kit.front_broker(lease=0.05), kit.worker_broker()
    await kit.put(front_broker, "flying")
    claim = worker_broker.settle_and_claim(None)
    await kit.put(front_broker, "get")
    await kit.put(front_broker, "post", most=1)
    own_broker.kill()
    with pytest.raises(BrokerUnavailable):
        worker_broker.settle_and_claim(answer(claim))
    with pytest.raises(BrokerUnavailable):
        await front_broker.beat()
    own_broker.start()
    if own_broker.keeps:
        await _after_restart_kept(kit, front_broker, worker_broker, claim)
    else:
        with pytest.raises(Fenced):
            worker_broker.settle_and_claim(answer(claim))
        assert (await front_broker.join(ABOUT)).taken == 0
    await kit.close()


async def _after_restart_kept(kit, front_broker, worker_broker, claim):
    expires = kit.client.zscore(kit.keys.fronts, front_broker.front)
    await kit.lease_time_after(expires)
    await front_broker.beat()  # nobody could beat meanwhile: every lease has its length again
    following = worker_broker.settle_and_claim(answer(claim))
    assert following.id == "get"
    assert worker_broker.settle_and_claim(answer(following)) is None
    answers = await kit.answers(front_broker)
    # Whether the unsafe one had been claimed in a write that was lost, nobody knows.
    assert answers == {"flying": ["200"], "get": ["200"], "post": ["worker_lost"]}
    assert [letter.reason for letter in kit.control().dead_letters()] == ["epoch"]
    await kit.put(front_broker, "post2", most=1)
    assert ids_of(worker_broker) == ["post2"]
    assert kit.counters() == kit.there()


async def test_a_claim_that_was_forgotten_is_not_made_again(kit):
    """As after a failover: the claim of an unsafe request is not in the replica's copy."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "post", most=1)
    before = {key: kit.client.dump(key) for key in kit.client.keys("*")}
    claim = worker_broker.settle_and_claim(None)
    assert claim.id == "post"
    for key in kit.client.keys("*"):
        if key not in before:
            kit.client.delete(key)
    for key, dump in before.items():
        kit.client.restore(key, 0, dump, replace=True)
    kit.client.hset(kit.keys.state, "run", "the server it was before")
    assert ids_of(kit.worker_broker()) == []
    assert await kit.answers(front_broker) == {"post": ["worker_lost"]}
    assert (
        worker_broker.settle_and_claim(answer(claim)) is None
    )  # nor does its late answer go anywhere
    assert await kit.answers(front_broker) == {"post": ["worker_lost"]}
    assert kit.counters() == kit.there()


async def test_out_of_memory(kit):
    """A full server takes no more, but what it has is run, answered and given back."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a", "b", "c")
    kit.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BrokerUnavailable):
            await kit.put(front_broker, "over")
        assert await front_broker.withdraw(["b"]) == ["withdrawn"]
        assert ids_of(worker_broker) == ["a", "c"]
        await front_broker.beat()
    finally:
        kit.client.config_set("maxmemory", 0)
    await kit.put(front_broker, "over")
    assert ids_of(worker_broker) == ["over"]
    assert await kit.answers(front_broker) == {id: ["200"] for id in ("a", "c", "over")}


async def test_a_read_only_replica_is_away(kit):
    """A demoted master answers READONLY: that is no error of ours."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    kit.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(BrokerUnavailable):
            await kit.put(front_broker, "a")
        assert not front_broker.connected  # where it was a name, another server has it now
        with pytest.raises(BrokerUnavailable):
            worker_broker.settle_and_claim(None)
    finally:
        kit.client.execute_command("REPLICAOF", "NO", "ONE")
    await kit.put(front_broker, "a")
    assert ids_of(worker_broker) == ["a"]


async def test_an_incarnation_ends_with_the_lease_of_a_front(kit):
    front_broker = await kit.front_broker(lease=0.05)
    first = (await front_broker.join(ABOUT)).incarnation
    assert (await front_broker.join(ABOUT)).incarnation == first  # the first answer was lost
    expires = kit.client.zscore(kit.keys.fronts, front_broker.front)
    await kit.lease_time_after(expires)
    again = (
        await front_broker.join(ABOUT)
    ).incarnation  # half of what it held may have been dropped by now
    assert again != first
    kit.link().script("front_leave", front_broker.front)
    left = kit.now_ms()
    await eventually(lambda: kit.now_ms() > left)
    assert (await front_broker.join(ABOUT)).incarnation not in (first, again)


async def test_an_incarnation_ends_with_the_run_of_the_server(own_broker):
    kit = BrokerKit(own_broker.url)
    front_broker = await kit.front_broker()
    first = (await front_broker.join(ABOUT)).incarnation
    own_broker.kill()
    own_broker.start()
    with pytest.raises(BrokerUnavailable):
        await front_broker.beat()
    assert (await front_broker.join(ABOUT)).incarnation != first
    await kit.close()
