"""Order (P6), limits (P8) and what is never started (P5)."""

from ..brokers import ABOUT, BrokerKit, answer, eventually, ids_of, size_of


async def test_first_in_first_out(kit):
    front_broker = await kit.front_broker()
    wanted = [f"r{n}" for n in range(150)]
    for at in range(0, 150, 50):
        await kit.put(front_broker, *wanted[at : at + 50])
    assert ids_of(kit.worker_broker()) == wanted
    assert {k: v for k, v in (await kit.answers(front_broker)).items() if v != ["200"]} == {}


async def test_strict_priority(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "l1", "l2", queue="low")
    await kit.put(front_broker, "d1", queue="default")
    worker_broker = kit.worker_broker()
    first = worker_broker.settle_and_claim(None)
    await kit.put(front_broker, "h1", "h2", queue="high")
    second = worker_broker.settle_and_claim(answer(first))
    assert (first.id, second.id) == ("d1", "h1")
    assert [
        worker_broker.settle_and_claim(answer(second)).id,
        kit.worker_broker().settle_and_claim(None).id,
    ] == ["h2", "l1"]


async def test_a_seat_serves_only_its_queues(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "h", queue="high")
    await kit.put(front_broker, "l", queue="low")
    assert ids_of(kit.worker_broker(queues=["low"])) == ["l"]
    assert ids_of(kit.worker_broker(queues=["high"])) == ["h"]


async def test_depth_limit(broker):
    kit = BrokerKit(broker.url, depth=3)
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c", "over")
    await kit.put(front_broker, "other", queue="low")  # each queue for itself
    assert await kit.answers(front_broker) == {"over": ["queue_full"]}
    worker_broker = kit.worker_broker()
    assert worker_broker.settle_and_claim(None).id == "a"  # what is in flight waits no more
    await kit.put(front_broker, "d", "over2")
    assert await kit.answers(front_broker) == {"over": ["queue_full"], "over2": ["queue_full"]}
    assert kit.counters() == kit.there()
    await kit.close()


async def test_byte_limit(broker):
    kit = BrokerKit(broker.url)
    front_broker = await kit.front_broker()
    order = kit.encoded_request(front_broker.front, "fits", body=b"x" * 5000)
    await kit.close()
    kit = BrokerKit(broker.url, memory=size_of(order) * 4 // 3 + 1)
    front_broker = await kit.front_broker()
    await kit.send(front_broker, order, kit.encoded_request(front_broker.front, "over"))
    assert await kit.answers(front_broker) == {"over": ["memory_full"]}
    assert kit.counters().bytes == size_of(order) + kit.reply_bytes()
    assert ids_of(kit.worker_broker()) == ["fits"]
    await kit.put(front_broker, "again")  # there is room again
    assert ids_of(kit.worker_broker()) == ["again"]
    assert kit.counters().bytes == kit.reply_bytes()
    await kit.close()


async def test_one_byte_more_than_the_limit(broker):
    sized = BrokerKit(broker.url)
    order = sized.encoded_request((await sized.front_broker()).front, "x", body=b"x" * 5000)
    kit = BrokerKit(broker.url, memory=size_of(order) - 1)
    front_broker = await kit.front_broker("front-2")
    await kit.send(front_broker, kit.encoded_request(front_broker.front, "x", body=b"x" * 5000))
    assert await kit.answers(front_broker) == {"x": ["memory_full"]}
    for each in (sized, kit):
        await each.close()


async def test_enqueue_takes_each_number_once(kit):
    front_broker = await kit.front_broker()
    orders = [kit.encoded_request(front_broker.front, id) for id in "abcd"]
    await front_broker.enqueue(1, orders[:3])
    await front_broker.enqueue(1, orders[:3])  # its answer was lost
    await front_broker.enqueue(3, orders[2:])  # overlaps
    assert (await front_broker.join(ABOUT)).taken == 4
    assert ids_of(kit.worker_broker()) == list("abcd")
    assert kit.counters() == kit.there()


async def test_withdrawn_before_its_claim_never_starts(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")
    assert await front_broker.withdraw(["b", "nobody"]) == ["withdrawn", "gone"]
    assert await front_broker.withdraw(["b"]) == ["gone"]
    assert ids_of(kit.worker_broker()) == ["a", "c"]


async def test_withdrawn_in_flight_is_not_answered(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert await front_broker.withdraw(["a"]) == ["in_flight"]
    worker_broker.settle_and_claim(answer(claim))
    assert await kit.answers(front_broker) == {}
    assert kit.counters() == kit.there()
    assert kit.counters().in_flight == 0


async def test_withdrawn_after_it_was_handed_back_is_known_to_have_started(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    lost.leave()
    assert await front_broker.withdraw(["a"]) == ["started"]
    assert ids_of(kit.worker_broker()) == []


async def test_hold_that_ran_out_is_not_started(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", hold=0.03)
    await kit.put(front_broker, "b")
    put_at = kit.now_ms()
    await eventually(lambda: kit.now_ms() > put_at + 30)
    assert ids_of(kit.worker_broker()) == ["b"]
    assert await kit.answers(front_broker) == {"a": ["hold_expired"], "b": ["200"]}


async def test_hold_that_ran_out_after_a_lost_attempt(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", hold=1.0)
    lost = kit.registration()
    assert kit.worker_broker(lost).settle_and_claim(None).id == "a"
    lost.leave()
    put_at = kit.now_ms()
    await eventually(lambda: kit.now_ms() > put_at + 1000)
    assert ids_of(kit.worker_broker()) == []
    assert await kit.answers(front_broker) == {"a": ["hold_expired_started"]}


async def test_dead_fronts_requests_are_not_started_and_swept(kit):
    dead = await kit.front_broker("dead", lease=0.02)
    await kit.put(dead, "a", "b", "c", "d")
    front_broker = await kit.front_broker("alive")
    await kit.put(front_broker, "mine")
    holder = kit.worker_broker()
    flying = holder.settle_and_claim(None)
    expires = kit.client.zscore(kit.keys.fronts, "dead")
    await kit.lease_time_after(expires)
    assert flying.id == "a"
    second = kit.worker_broker()
    assert ids_of(second, limit=1) == ["mine"]
    await front_broker.beat()  # anybody's heartbeat sweeps
    assert kit.client.keys("*:dead") == []
    holder.settle_and_claim(answer(flying), claim=False)
    assert kit.counters() == kit.there()
    assert kit.counters().bytes == kit.reply_bytes()
    assert kit.client.keys("*:dead") == []  # the answer made nothing anew


async def test_many_requests_of_a_dead_front_go_in_bounded_steps(kit):
    dead = await kit.front_broker("dead", lease=0.02)
    for at in range(0, 1200, 60):
        await kit.put(dead, *(f"x{n}" for n in range(at, at + 60)))
    front_broker = await kit.front_broker("alive")
    expires = kit.client.zscore(kit.keys.fronts, "dead")
    await kit.lease_time_after(expires)
    await front_broker.beat()
    assert kit.counters().waiting > 0  # 500 or so a call
    assert kit.counters() == kit.there()
    assert ids_of(kit.worker_broker()) == []  # many dead ones before it, and still it returns
    for _ in range(4):
        await front_broker.beat()
    assert kit.counters().bytes == kit.counters().waiting == 0
    assert kit.client.keys("*:dead") == []
