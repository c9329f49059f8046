"""An executor thread's life: claim, run, settle; poison, slow views, the end."""

import time

import msgspec.structs
import pytest

from queueproxy.broker import encoded_request as encoded_request_module
from queueproxy.broker.operate.control import Control
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.worker_broker import WorkerBroker

from ...brokers import eventually


async def test_a_small_answer_is_one_frame(client, start_worker):
    start_worker()
    (frame,) = await client.whole(await client.ask("/run/a/"))
    assert (frame.head.status, frame.body) == (200, b"a")
    assert frame.head.run_ms > 0


async def test_the_worker_is_on_the_list_and_told_so(client, start_worker, kit):
    worker = start_worker(threads=2, name="mine")
    await eventually(lambda: "serving" in worker.told)
    assert kit.client.zscore(kit.keys.workers, worker.id)
    about = kit.client.hget(kit.keys.named("worker", worker.id), "info")
    assert b'"name":"mine"' in about
    assert b'"threads":2' in about


async def test_threads_run_side_by_side(client, start_worker, state):
    start_worker(threads=3)
    ids = [await client.ask(f"/run/{name}/?wait") for name in "abc"]
    await eventually(lambda: len(state.runs) == 3, "all three run")
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200] * 3


# Poison.


async def test_what_can_not_be_read_is_put_away(client, start_worker, kit):
    good, another = (client.encoded_request("/run/x/") for _ in range(2))
    poison = {
        "not JSON": signed_with(client, b"{nonsense"),
        "not a head": signed_with(client, b'{"id": 1}'),
        "forged": msgspec.structs.replace(
            good, meta=good.meta._replace(id="forged"), digest=b"x" * 32
        ),
        "another's head": msgspec.structs.replace(
            another, meta=another.meta._replace(id="another")
        ),
        "path of no bytes": client.encoded_request("/run/\u0100/"),
        "head of another queue": client.encoded_request("/run/x/", queue="high"),
        "body cut short": msgspec.structs.replace(
            client.encoded_request("/run/x/", body=b"ab"), body=b"a"
        ),
    }
    reasons = dict.fromkeys((order.id for order in poison.values()), "malformed")
    reasons["forged"] = reasons[poison["body cut short"].id] = "bad_signature"
    start_worker()
    for order in poison.values():
        await kit.send(client.front_broker, order)
        assert await client.notice(order.id) == reasons[order.id]
    assert await client.status(await client.ask("/run/after/")) == 200
    letters = Control(kit.link()).dead_letters()
    assert sorted(letter.reason for letter in letters) == sorted(reasons.values())


def signed_with(client, head: bytes):
    order = client.encoded_request("/run/x/")
    return msgspec.structs.replace(order, head=head)


async def test_another_version_is_left_for_who_knows_it(client, start_worker, kit, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(encoded_request_module, "WIRE_VERSION", "99")
        await client.ask("/run/later/")
    start_worker()
    assert await client.status(await client.ask("/run/now/")) == 200
    assert kit.counters().waiting == 1


async def test_a_view_that_exits_ends_nothing(client, start_worker):
    worker = start_worker()
    assert await client.status(await client.ask("/run/a/?exit=3")) == 500
    assert await client.status(await client.ask("/run/b/")) == 200
    assert worker.is_alive()


# Leases.


async def test_a_view_slower_than_its_lease_keeps_it(client, start_worker, kit, state):
    start_worker(lease=1.5)
    id = await client.ask("/run/slow/?wait")
    await eventually(lambda: state.runs)
    begun = kit.now_ms()
    await eventually(lambda: kit.now_ms() > begun + 3 * 1500, "three leases")
    other = start_worker(lease=1.5, burst=True)
    assert other.ended() == 0
    state.gate.set()
    (frame,) = await client.whole(id)
    assert (frame.head.attempt, state.runs) == (1, ["GET slow"])


async def test_given_up_in_the_middle_its_answer_is_nobodys(
    client, start_worker, kit, state, caplog
):
    worker = start_worker()
    id = await client.ask("/run/post/?wait", "POST")
    await eventually(lambda: state.runs)
    first = worker.id
    kit.link().script("worker_reap", first)  # as if its heartbeat had been late
    assert await client.notice(id) == "worker_lost"
    state.gate.set()
    assert await client.status(await client.ask("/run/after/")) == 200
    assert worker.id != first
    assert not await client.frames(id)
    assert state.runs == ["POST post", "GET after"]


# The end.


async def test_a_drain_finishes_what_runs_and_takes_nothing_new(client, start_worker, kit, state):
    worker = start_worker(threads=2)
    ids = [await client.ask(f"/run/{name}/?wait") for name in "ab"]
    await eventually(lambda: len(state.runs) == 2)
    worker.worker.stop()
    await eventually(lambda: told_state(kit, worker) == b"draining")
    left = await client.ask("/run/left/")
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200, 200]
    assert worker.ended() == 0
    assert not kit.client.zscore(kit.keys.workers, worker.id)
    assert not await client.frames(left)
    assert len(state.runs) == 2


def told_state(kit, worker) -> bytes:
    return kit.client.hget(kit.keys.named("worker", worker.id), "state")


async def test_after_the_graceful_timeout_work_is_given_up(
    client, start_worker, kit, state, caplog
):
    worker = start_worker(graceful_timeout=0.3)
    id = await client.ask("/run/long/?wait", "POST")
    await eventually(lambda: state.runs)
    worker.worker.stop()
    assert worker.ended() == 3
    assert await client.notice(id) == "worker_lost"
    assert "1 request still ran after the graceful timeout and is given up: POST" in caplog.text


async def test_what_is_claimed_while_the_stop_comes_is_handed_back(
    client, start_worker, kit, state, at_the_end
):
    # Of the first, while the second is claimed already.
    at_the_end(lambda: state.gate.wait(30), djangos=True)
    first, second = [await client.ask(f"/run/{name}/", "POST") for name in "ab"]
    worker = start_worker()
    assert await client.status(first) == 200
    assert (kit.counters().in_flight, kit.counters().waiting) == (1, 0)
    worker.worker.stop()
    await eventually(lambda: told_state(kit, worker) == b"draining")
    state.gate.set()
    assert worker.ended() == 0
    assert state.runs == ["POST a"]
    assert kit.counters().waiting == 1
    start_worker()
    (frame,) = await client.whole(second)
    assert frame.head.attempt == 1
    assert state.runs == ["POST a", "POST b"]


async def test_burst_ends_when_nothing_waits(client, start_worker):
    ids = [await client.ask(f"/run/{n}/") for n in range(5)]
    assert start_worker(burst=True, threads=2).ended() == 0
    assert [await client.status(id) for id in ids] == [200] * 5


async def test_after_so_many_requests_it_ends(client, start_worker, kit, state):
    for n in range(5):
        await client.ask(f"/run/{n}/")
    assert start_worker(max_requests=3).ended() == 0
    assert len(state.runs) == 3
    assert kit.counters().waiting == 2


# Closing.


@pytest.mark.parametrize(
    ("path", "ending"),
    [
        ("/run/a/", "answered"),
        ("/run/a/?exit=3", "answered"),
        ("/sized/600000/", "answered"),
        ("/stream/5/3/", "answered"),
        ("/stream/5/3/?raise=1", "answered"),
        ("/status/199/", "bad_response"),
    ],
)
@pytest.mark.parametrize("djangos", [True, False], ids=["quickly", "slowly"])
async def test_each_response_is_closed_once(
    client, start_worker, at_the_end, path, ending, djangos
):
    closings = []
    at_the_end(lambda: closings.append(1), djangos=djangos)
    worker = start_worker(max_requests=1)
    id = await client.ask(path)
    if ending == "answered":
        await client.whole(id)
    else:
        assert await client.notice(id) == ending
    assert worker.ended() == 0
    assert closings == [1]


async def test_a_failure_of_our_own_closes_the_response_too(
    client, start_worker, at_the_end, monkeypatch, caplog
):
    def fails(*args):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(WorkerBroker, "push", fails)
    closings = []
    at_the_end(lambda: closings.append(1))
    worker = start_worker()
    await client.ask("/sized/3000000/")
    assert worker.ended() == 1
    assert "An executor thread failed" in caplog.text
    assert closings == [1]


async def test_an_idle_worker_that_had_to_register_again_ends_at_once(kit, start_worker):
    """Its thread still waits at the bell of the id it had before."""
    worker = start_worker(lease=1.5)
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == 1)
    first = worker.id
    kit.link().script("worker_reap", first)
    await eventually(lambda: worker.id != first)
    began = time.monotonic()
    worker.worker.stop()
    assert worker.ended() == 0
    assert time.monotonic() - began < 10, "not only when its wait of 15 s is over"
    assert not kit.client.keys(kit.keys.named("bell", "@*"))


async def test_given_up_again_as_soon_as_it_has_registered_anew(
    kit, client, start_worker, monkeypatch
):
    join = WorkerRegistration.join
    given_up_anew = []

    def join_and_be_given_up(self, given_up=""):
        worker = join(self, given_up)
        if given_up and not given_up_anew:
            given_up_anew.append(worker)
            kit.link().script("worker_reap", worker)
        return worker

    monkeypatch.setattr(WorkerRegistration, "join", join_and_be_given_up)
    worker = start_worker()
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == 1)
    kit.link().script("worker_reap", worker.id)
    assert await client.status(await client.ask("/run/after/")) == 200
    assert given_up_anew
