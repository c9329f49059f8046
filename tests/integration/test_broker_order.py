"""Order (P6), limits (P8) and what is never started (P5)."""

import pytest

from queueproxy.exceptions import DecodeError

from ..brokers import ABOUT, Office, answer, eventually, ids_of


async def test_first_in_first_out(office):
    desk = await office.desk()
    wanted = [f"r{n}" for n in range(150)]
    for at in range(0, 150, 50):
        await office.put(desk, *wanted[at : at + 50])
    assert ids_of(office.seat()) == wanted
    assert {k: v for k, v in (await office.answers(desk)).items() if v != ["200"]} == {}


async def test_strict_priority(office):
    desk = await office.desk()
    await office.put(desk, "l1", "l2", queue="low")
    await office.put(desk, "d1", queue="default")
    seat = office.seat()
    first = seat.turn(None)
    await office.put(desk, "h1", "h2", queue="high")
    second = seat.turn(answer(first))
    assert (first.id, second.id) == ("d1", "h1")
    assert [seat.turn(answer(second)).id, office.seat().turn(None).id] == ["h2", "l1"]


async def test_a_seat_serves_only_its_queues(office):
    desk = await office.desk()
    await office.put(desk, "h", queue="high")
    await office.put(desk, "l", queue="low")
    assert ids_of(office.seat(queues=["low"])) == ["l"]
    assert ids_of(office.seat(queues=["high"])) == ["h"]


async def test_depth_limit(broker):
    office = Office(broker.url, depth=3)
    desk = await office.desk()
    await office.put(desk, "a", "b", "c", "over")
    await office.put(desk, "other", queue="low")  # each queue for itself
    assert await office.answers(desk) == {"over": ["queue_full"]}
    seat = office.seat()
    assert seat.turn(None).id == "a"  # what is in flight waits no more
    await office.put(desk, "d", "over2")
    assert await office.answers(desk) == {"over": ["queue_full"], "over2": ["queue_full"]}
    assert office.counters() == office.there()
    await office.close()


async def test_byte_limit(broker):
    office = Office(broker.url)
    desk = await office.desk()
    order = office.order(desk.front, "fits", body=b"x" * 5000)
    await office.close()
    office = Office(broker.url, memory=order.size)
    desk = await office.desk()
    await office.send(desk, order, office.order(desk.front, "over"))
    assert await office.answers(desk) == {"over": ["memory_full"]}
    assert office.counters().bytes == order.size
    assert ids_of(office.seat()) == ["fits"]
    await office.put(desk, "again")  # there is room again
    assert ids_of(office.seat()) == ["again"]
    assert office.counters().bytes == 0
    await office.close()


async def test_one_byte_more_than_the_limit(broker):
    sized = Office(broker.url)
    size = sized.order((await sized.desk()).front, "x", body=b"x" * 5000).size
    office = Office(broker.url, memory=size - 1)
    desk = await office.desk("front-2")
    await office.send(desk, office.order(desk.front, "x", body=b"x" * 5000))
    assert await office.answers(desk) == {"x": ["memory_full"]}
    for each in (sized, office):
        await each.close()


async def test_enqueue_takes_each_number_once(office):
    desk = await office.desk()
    orders = [office.order(desk.front, id) for id in "abcd"]
    await desk.enqueue(1, orders[:3])
    await desk.enqueue(1, orders[:3])  # its answer was lost
    await desk.enqueue(3, orders[2:])  # overlaps
    assert (await desk.join(ABOUT)).taken == 4
    assert ids_of(office.seat()) == list("abcd")
    assert office.counters() == office.there()


async def test_withdrawn_before_its_claim_never_starts(office):
    desk = await office.desk()
    await office.put(desk, "a", "b", "c")
    assert await desk.withdraw(["b", "nobody"]) == ["withdrawn", "gone"]
    assert await desk.withdraw(["b"]) == ["gone"]
    assert ids_of(office.seat()) == ["a", "c"]


async def test_withdrawn_in_flight_is_not_answered(office):
    desk = await office.desk()
    await office.put(desk, "a")
    seat = office.seat()
    claim = seat.turn(None)
    assert await desk.withdraw(["a"]) == ["in_flight"]
    seat.turn(answer(claim))
    assert await office.answers(desk) == {}
    assert office.counters() == office.there()
    assert office.counters().in_flight == 0


async def test_withdrawn_after_it_was_handed_back_is_known_to_have_started(office):
    desk = await office.desk()
    await office.put(desk, "a")
    lost = office.member()
    office.seat(lost).turn(None)
    lost.leave()
    assert await desk.withdraw(["a"]) == ["started"]
    assert ids_of(office.seat()) == []


async def test_hold_that_ran_out_is_not_started(office):
    desk = await office.desk()
    await office.put(desk, "a", hold=0.03)
    await office.put(desk, "b")
    put_at = office.now_ms()
    await eventually(lambda: office.now_ms() > put_at + 30)
    assert ids_of(office.seat()) == ["b"]
    assert await office.answers(desk) == {"a": ["hold_expired"], "b": ["200"]}


async def test_hold_that_ran_out_after_a_lost_attempt(office):
    desk = await office.desk()
    await office.put(desk, "a", hold=0.3)
    lost = office.member()
    assert office.seat(lost).turn(None).id == "a"
    lost.leave()
    put_at = office.now_ms()
    await eventually(lambda: office.now_ms() > put_at + 300)
    assert ids_of(office.seat()) == []
    assert await office.answers(desk) == {"a": ["hold_expired_started"]}


async def test_dead_fronts_requests_are_not_started_and_swept(office):
    dead = await office.desk("dead", lease=0.02)
    await office.put(dead, "a", "b", "c", "d")
    desk = await office.desk("alive")
    await office.put(desk, "mine")
    holder = office.seat()
    flying = holder.turn(None)
    expires = office.client.zscore(office.keys.fronts, "dead")
    await eventually(lambda: office.now_ms() > expires)
    assert flying.id == "a"
    second = office.seat()
    assert ids_of(second, limit=1) == ["mine"]
    await desk.beat()  # anybody's heartbeat sweeps
    assert office.client.keys("*:dead") == []
    holder.turn(answer(flying), claim=False)
    assert office.counters() == office.there()
    assert office.counters().bytes == 0
    assert office.client.keys("*:dead") == []  # the answer made nothing anew


async def test_many_requests_of_a_dead_front_go_in_bounded_steps(office):
    dead = await office.desk("dead", lease=0.02)
    for at in range(0, 1200, 60):
        await office.put(dead, *(f"x{n}" for n in range(at, at + 60)))
    desk = await office.desk("alive")
    expires = office.client.zscore(office.keys.fronts, "dead")
    await eventually(lambda: office.now_ms() > expires)
    await desk.beat()
    assert office.counters().waiting > 0  # 500 or so a call
    assert office.counters() == office.there()
    assert ids_of(office.seat()) == []  # many dead ones before it, and still it returns
    for _ in range(4):
        await desk.beat()
    assert office.counters().bytes == office.counters().waiting == 0
    assert office.client.keys("*:dead") == []


# Large bodies lie beside the queue.


async def stage(desk, id, chunks):
    for number, chunk in enumerate(chunks):
        assert await desk.stage(id, number, chunk, 60)


async def test_chunked_body(office):
    desk = await office.desk()
    chunks = [b"a" * 70_000, b"b" * 70_000, b"c"]
    await stage(desk, "big", chunks)
    await stage(desk, "big", chunks)  # repeatable
    assert office.counters().bytes == 140_001
    order = office.order(desk.front, "big", body=b"".join(chunks), chunks=3)
    await office.send(desk, order)
    assert office.counters().bytes == order.size
    seat = office.seat()
    claim = seat.turn(None)
    assert seat.open(claim).body == b"".join(chunks)
    assert office.client.ttl(office.keys.named("body", "big")) == -1  # it stays with its request
    seat.turn(answer(claim))
    assert office.counters().bytes == 0
    assert not office.client.exists(office.keys.named("body", "big"))


async def test_chunks_that_went_before_the_request(office):
    desk = await office.desk()
    await stage(desk, "big", [b"a" * 70_000, b"b"])
    office.client.hdel(office.keys.named("body", "big"), "1")
    await office.send(desk, office.order(desk.front, "big", body=b"a" * 70_000 + b"b", chunks=2))
    assert await office.answers(desk) == {"big": ["body_lost"]}
    assert office.counters() == office.there()
    assert office.counters().bytes == 0


@pytest.mark.parametrize("damage", ["lost", "altered"])
async def test_chunks_damaged_in_the_queue(office, damage):
    desk = await office.desk()
    await stage(desk, "big", [b"a" * 70_000, b"b"])
    await office.send(desk, office.order(desk.front, "big", body=b"a" * 70_000 + b"b", chunks=2))
    if damage == "lost":
        office.client.hdel(office.keys.named("body", "big"), "0")
    else:
        office.client.hset(office.keys.named("body", "big"), "1", "B")
    seat = office.seat()
    with pytest.raises(DecodeError):
        seat.open(seat.turn(None))


async def test_chunks_past_the_byte_limit(broker):
    office = Office(broker.url, memory=100_000)
    desk = await office.desk()
    assert await desk.stage("big", 0, b"x" * 100_000, 60)
    assert not await desk.stage("big", 1, b"x", 60)
    assert await desk.withdraw(["big"]) == ["gone"]  # never enqueued; its bytes come back
    assert office.counters().bytes == 0
    assert await desk.stage("next", 0, b"x" * 100_000, 60)
    await desk.leave()
    assert office.counters().bytes == 0
    assert office.left() == set()
    await office.close()
