"""Large bodies of frames travel beside the scripts, and are counted, read and deleted (P8, P10)."""

import pytest

from queueproxy.broker.frame_writing import KEPT_FOR, LARGE
from queueproxy.broker.replies import RawReply
from queueproxy.exceptions import BrokerFull, BrokerUnavailable, Fenced

from ..brokers import BrokerKit, answer, part
from ..kit.broker_server import BrokerServer

BODY = b"x" * (1 << 20)


@pytest.fixture
def own_server():
    server = BrokerServer().start()
    yield server
    server.stop()


def values(kit: BrokerKit) -> list[bytes]:
    return kit.client.keys(kit.keys.named("answer", "*"))


async def claimed(kit: BrokerKit, *ids: str):
    """A front, a worker and its claim on the first of these requests."""
    front = await kit.front_broker()
    await kit.put(front, *(ids or ("a",)))
    worker = kit.worker_broker()
    return front, worker, worker.settle_and_claim(None)


async def bodies(front) -> list[bytes]:
    replies = await front.replies.read()
    return [reply.body for reply in replies if isinstance(reply, RawReply)]


@pytest.mark.parametrize(("size", "beside"), [(LARGE, 0), (LARGE + 1, 1)])
async def test_from_which_size_on(kit, size, beside):
    front, worker, claim = await claimed(kit)
    assert worker.push(claim, part(claim, 0, b"x" * size))
    assert len(values(kit)) == beside
    assert kit.counters() == kit.there()
    assert kit.recount() == []
    assert await bodies(front) == [b"x" * size]


async def test_they_stay_until_the_read_after_theirs(kit):
    front, worker, claim = await claimed(kit)
    worker.push(claim, part(claim, 0, BODY))
    worker.settle_and_claim(answer(claim, BODY), claim=False)
    assert kit.counters() == kit.there()
    assert kit.counters().bytes > 2 * len(BODY)
    first = await front.replies.read()
    assert [reply.body for reply in first] == [BODY, BODY]
    assert len(values(kit)) == 2
    assert all(kit.client.pttl(name) > 10 * KEPT_FOR for name in values(kit))  # clocks may be set
    await front.replies.trim()
    assert values(kit) == []
    assert kit.counters().bytes == 0
    assert kit.recount() == []


async def test_a_read_takes_no_more_than_it_may(kit, monkeypatch):
    monkeypatch.setattr("queueproxy.broker.replies.READ_BYTES", len(BODY) * 3)
    front, worker, claim = await claimed(kit)
    for seq in range(7):
        worker.push(claim, part(claim, seq, BODY))
    assert [len(await bodies(front)) for _ in range(3)] == [3, 3, 1]


async def test_one_larger_than_that_is_read_alone(kit, monkeypatch):
    monkeypatch.setattr("queueproxy.broker.replies.READ_BYTES", len(BODY) // 2)
    front, worker, claim = await claimed(kit)
    for seq in range(2):
        worker.push(claim, part(claim, seq, BODY))
    assert [await bodies(front) for _ in range(2)] == [[BODY], [BODY]]


async def test_a_link_that_breaks_while_they_are_read(kit):
    front, worker, claim = await claimed(kit)
    worker.push(claim, part(claim, 0, BODY))
    reader = front.replies
    original, calls = reader._link.commands, []

    async def breaking(commands, *args, **options):
        calls.append(commands[0][0])
        if calls.count("GET") == 1 and commands[0][0] == "GET":
            await reader._link.close()
            raise BrokerUnavailable("for the test")
        return await original(commands, *args, **options)

    reader._link.commands = breaking
    with pytest.raises(BrokerUnavailable):
        await reader.read()
    assert await bodies(front) == [BODY]


async def test_a_fenced_worker_leaves_and_takes_nothing(kit):
    """What it had sent before stays for its front; what it sends now goes at once."""
    front, worker, claim = await claimed(kit)
    worker.push(claim, part(claim, 0, BODY))
    kit.link().script("worker_reap", worker.worker)
    (there,) = values(kit)
    with pytest.raises(Fenced):
        worker.push(claim, part(claim, 0, b"y" * len(BODY)))
    with pytest.raises(Fenced):
        worker.settle_and_claim(answer(claim, BODY), claim=False)
    assert values(kit) == [there]
    assert await bodies(front) == [BODY]


async def test_who_has_left_gets_nothing(kit):
    front, worker, claim = await claimed(kit)
    await front.withdraw([claim.id])
    assert not worker.push(claim, part(claim, 0, BODY))
    worker.settle_and_claim(answer(claim, BODY), claim=False)
    assert values(kit) == []
    assert kit.counters() == kit.there()


async def test_settled_twice(kit):
    """The answer to a settlement was lost: it is said again, and the first one counts."""
    front, worker, claim = await claimed(kit, "a", "b")
    worker.settle_and_claim(answer(claim, BODY))
    (there,) = values(kit)
    worker._slot._call -= 1
    assert worker.settle_and_claim(answer(claim, b"y" * len(BODY))).id == "b"
    assert values(kit) == [there]
    assert await bodies(front) == [BODY]


async def test_settled_while_much_is_dropped(kit):
    """One call looks at a few entries only, and the next goes on: what it has settled stays."""
    front, worker, claim = await claimed(kit)
    dead = await kit.front_broker("dead")
    await kit.put(dead, *(f"d{number}" for number in range(70)))
    kit.client.zrem(kit.keys.fronts, "dead")
    assert worker.settle_and_claim(answer(claim, BODY)) is None
    assert await bodies(front) == [BODY]


async def test_full(broker):
    kit = BrokerKit(broker.url, memory=3 * len(BODY))
    _, worker, claim = await claimed(kit)
    for seq in range(2):
        worker.push(claim, part(claim, seq, BODY))
    with pytest.raises(BrokerFull):
        worker.push(claim, part(claim, 2, BODY))
    with pytest.raises(BrokerFull):
        worker.settle_and_claim(answer(claim, BODY))
    assert len(values(kit)) == 2
    assert kit.counters() == kit.there()
    await kit.close()


@pytest.mark.parametrize("number", [1, 31, 32, 33, 70])
async def test_what_a_front_has_not_read_goes_with_it(kit, number):
    front, worker, claim = await claimed(kit)
    for seq in range(number):
        worker.push(claim, part(claim, seq, BODY[: 2 * LARGE] if seq % 3 else b"small"))
    await front.leave()
    assert values(kit) == []
    assert kit.counters().bytes == kit.there().bytes
    assert "replies" not in kit.left()


async def test_much_that_a_front_has_not_read(kit):
    front, worker, claim = await claimed(kit)
    for seq in range(1200):
        worker.push(claim, part(claim, seq, b"small"))
    calls = 0
    while kit.link().script("front_leave", front.front) == b"again":
        calls += 1
        assert kit.recount() == []
    assert calls > 1
    assert kit.recount() == []


@pytest.mark.parametrize("how", ["out of memory", "no right to SET"])
async def test_where_the_value_is_refused_the_script_takes_it(own_server, how):
    kit = BrokerKit(own_server.url)
    front, worker, claim = await claimed(kit)
    assert worker.push(claim, part(claim, 0, b"head"))
    if how == "out of memory":
        kit.client.config_set("maxmemory", 1)
    else:
        kit.client.execute_command("ACL", "SETUSER", "default", "-set")
    assert worker.push(claim, part(claim, 1, BODY))
    worker.settle_and_claim(answer(claim, BODY), claim=False)
    assert values(kit) == []
    assert [len(body) for body in await bodies(front)] == [4, len(BODY), len(BODY)]
    await front.replies.trim()
    assert kit.counters().bytes == 0
    await kit.close()


async def test_what_has_expired_is_no_empty_body(kit):
    front, worker, claim = await claimed(kit)
    worker.push(claim, part(claim, 0, BODY))
    kit.client.delete(*values(kit))
    assert await bodies(front) == [None]


async def test_a_key_of_another_type_is_no_body(kit):
    front, worker, claim = await claimed(kit)
    worker.push(claim, part(claim, 0, BODY))
    (name,) = values(kit)
    kit.client.delete(name)
    kit.client.rpush(name, "x")
    assert await bodies(front) == [None]
