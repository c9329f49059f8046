"""What workers count by route: what was run, however it ended, and nothing else."""

from queueproxy.broker.observe.routes import WINDOWS, RouteReader
from queueproxy.broker.route_counts import NO_ROUTE

from ...brokers import eventually


async def counted(kit, *expected: tuple[str, int, int]) -> None:
    """Wait until so many requests and errors of each route are counted, and nothing else."""
    reader = RouteReader(kit.link())

    def look() -> bool:
        found = reader.routes(WINDOWS["15m"]).times
        return {(one.name, one.requests, one.errors) for one in found} == set(expected)

    await eventually(look, f"counted: {expected}")


async def test_routes_not_paths(client, start_worker, kit):
    start_worker(threads=2)
    for path in ("/run/a/", "/run/b/", "/run/c/?exit=1", "/nowhere/1/", "/nowhere/2/"):
        await client.whole(await client.ask(path))
    await counted(kit, ("/run/<nonce>/", 3, 1), (NO_ROUTE, 2, 0))


async def test_how_long_it_waited_and_ran(client, start_worker, kit, state):
    ids = [await client.ask("/run/a/?wait")]
    before = kit.now_ms()
    await eventually(lambda: kit.now_ms() > before + 300)
    start_worker()
    await eventually(lambda: state.runs)
    before = kit.now_ms()
    await eventually(lambda: kit.now_ms() > before + 300)
    state.gate.set()
    await client.whole(ids[0])
    await counted(kit, ("/run/<nonce>/", 1, 0))
    (times,) = RouteReader(kit.link()).routes(WINDOWS["15m"]).times
    assert times.wait.seconds >= 0.3
    assert times.run.seconds >= 0.3
    assert times.run.buckets[6] + sum(times.run.buckets[7:]) == 1


async def test_a_stream_lasts_until_its_end(client, start_worker, kit, state):
    start_worker()
    broken = await client.ask("/stream/10/3/?raise=1")
    await client.whole(broken)
    await counted(kit, ("/stream/<int:size>/<int:count>/", 1, 0))


async def test_what_the_client_leaves_is_no_error(client, start_worker, kit, state):
    start_worker()
    id = await client.ask("/events/")
    await eventually(lambda: client.frames(id))
    await client.front_broker.withdraw([id])
    await counted(kit, ("/events/", 1, 0))


async def test_an_answer_that_cannot_be_sent_is_one(client, start_worker, kit):
    start_worker()
    await client.notice(await client.ask("/status/100/"))
    await counted(kit, ("/status/<int:status>/", 1, 1))


async def test_a_view_past_its_time_is_one(client, start_worker, kit):
    """It is what people look for there, though its thread never tells."""
    start_worker(view_timeout=0.3)
    await client.notice(await client.ask("/run/stuck/?wait"))
    await counted(kit, ("/run/<nonce>/", 1, 1))
    (times,) = RouteReader(kit.link()).routes(WINDOWS["15m"]).times
    assert times.run.seconds >= 0.3
