"""A response that takes long to close holds nobody up and costs nobody's request.

Its client has the answer before; no other request is held by the thread that closes it.
"""

from ...brokers import QUEUES, BrokerKit, eventually
from .worker_site import client_of, kill


async def test_the_answer_is_sent_before_receivers_are_done(
    client, start_worker, state, at_the_end
):
    closings = []
    at_the_end(lambda: closings.append(1) or state.gate.wait(30))
    start_worker()
    assert await client.status(await client.ask("/run/a/")) == 200
    assert not state.gate.is_set()
    state.gate.set()
    assert await client.status(await client.ask("/run/b/")) == 200
    await eventually(lambda: len(closings) == 2)


async def test_the_next_does_not_start_inside_a_pause_that_began_meanwhile(
    client, start_worker, kit, state, at_the_end
):
    at_the_end(lambda: state.gate.wait(30))
    first, second = [await client.ask(f"/run/{name}/", "POST") for name in "ab"]
    start_worker()
    assert await client.status(first) == 200
    control = kit.control()
    control.pause(QUEUES, 60, by="test")
    state.gate.set()
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == 1, "it is idle")
    assert state.runs == ["POST a"]
    control.resume(QUEUES)
    assert await client.status(second) == 200


async def test_the_next_does_not_wait_behind_it_while_another_thread_is_idle(
    client, start_worker, state, at_the_end
):
    closings = []
    at_the_end(lambda: closings.append(1) or len(closings) > 1 or state.gate.wait(30))
    ids = [await client.ask(f"/run/{number}/") for number in range(6)]
    start_worker(threads=2)
    assert [await client.status(id) for id in ids] == [200] * 6
    assert not state.gate.is_set()


async def test_nothing_is_held_while_it_lasts(client, start_worker, kit, state, at_the_end):
    at_the_end(lambda: state.gate.wait(30))
    first, second = [await client.ask(f"/run/{name}/", "POST") for name in "ab"]
    start_worker()
    assert await client.status(first) == 200
    assert (kit.counters().in_flight, kit.counters().waiting) == (0, 1)
    state.gate.set()
    assert await client.status(second) == 200


async def test_a_worker_killed_meanwhile_loses_nobodys_request(workers, broker, tmp_path):
    kit = BrokerKit(broker.url, namespace="queueproxy")
    client = await client_of(kit)
    closes_slowly = tmp_path / "closes-slowly"
    closes_slowly.touch()
    first, second = [await client.ask(f"/run/{name}/", "POST") for name in "ab"]
    workers.start(SLOW_CLOSE=str(closes_slowly))
    assert await client.status(first) == 200
    (pid,) = workers.pids()
    kill(pid)
    closes_slowly.unlink()
    assert await client.status(second) == 200
    assert [line.split()[0] for line in workers.runs()] == ["a", "b"]
    await kit.close()
