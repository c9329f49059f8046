"""An executor thread's life: claim, run, settle; poison, slow views, the end."""

import msgspec.structs
import pytest
from django.core import signals

from queueproxy.broker import desk as desk_module
from queueproxy.broker.control import Control
from queueproxy.envelopes import Signer

from ...brokers import SECRETS, eventually

SIGNER = Signer(SECRETS, "request")


async def test_a_small_answer_is_one_frame(client, hire):
    hire()
    (frame,) = await client.whole(await client.ask("/run/a/"))
    assert (frame.head.status, frame.body) == (200, b"a")
    assert frame.head.run_ms > 0


async def test_the_worker_is_on_the_list_and_told_so(client, hire, office):
    worker = hire(threads=2, name="mine")
    await eventually(lambda: "serving" in worker.told)
    assert office.client.zscore(office.keys.workers, worker.id)
    about = office.client.hget(office.keys.named("worker", worker.id), "info")
    assert b'"name":"mine"' in about
    assert b'"threads":2' in about


async def test_threads_run_side_by_side(client, hire, state):
    hire(threads=3)
    ids = [await client.ask(f"/run/{name}/?wait") for name in "abc"]
    await eventually(lambda: len(state.runs) == 3, "all three run")
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200] * 3


# Poison.


async def test_what_can_not_be_read_is_put_away(client, hire, office):
    good = client.order("/run/good/")
    poison = {
        "not JSON": signed_with(client, b"{nonsense"),
        "not a head": signed_with(client, b'{"id": 1}'),
        "forged": msgspec.structs.replace(good, id="forged", signature=b"x" * 32),
        "unsigned": msgspec.structs.replace(good, id="unsigned", signature=b""),
        "another's head": msgspec.structs.replace(client.order("/run/x/"), id="another"),
        "path of no bytes": client.order("/run/\u0100/"),
        "head of another queue": client.order("/run/x/", queue="high"),
        "body cut short": msgspec.structs.replace(client.order("/run/x/", body=b"ab"), body=b"a"),
    }
    hire()
    for order in poison.values():
        await office.send(client.desk, order)
        assert await client.notice(order.id) == "malformed"
    assert await client.status(await client.ask("/run/after/")) == 200
    letters = Control(office.link()).dead_letters()
    assert [letter.reason for letter in letters] == ["malformed"] * len(poison)


def signed_with(client, head: bytes):
    order = client.order("/run/x/")
    return msgspec.structs.replace(order, head=head, signature=SIGNER.sign(head, b"", 0))


async def test_another_version_is_left_for_who_knows_it(client, hire, office, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(desk_module, "WIRE_VERSION", "99")
        await client.ask("/run/later/")
    hire()
    assert await client.status(await client.ask("/run/now/")) == 200
    assert office.counters().waiting == 1


async def test_a_view_that_exits_ends_nothing(client, hire):
    worker = hire()
    assert await client.status(await client.ask("/run/a/?exit=3")) == 500
    assert await client.status(await client.ask("/run/b/")) == 200
    assert worker.is_alive()


# Leases.


async def test_a_view_slower_than_its_lease_keeps_it(client, hire, office, state):
    hire(lease=0.6)
    id = await client.ask("/run/slow/?wait")
    await eventually(lambda: state.runs)
    begun = office.now_ms()
    await eventually(lambda: office.now_ms() > begun + 3 * 600, "three leases")
    other = hire(lease=0.6, burst=True)
    assert other.ended() == 0
    state.gate.set()
    (frame,) = await client.whole(id)
    assert (frame.head.attempt, state.runs) == (1, ["GET slow"])


async def test_given_up_in_the_middle_its_answer_is_nobodys(client, hire, office, state, caplog):
    worker = hire()
    id = await client.ask("/run/post/?wait", "POST")
    await eventually(lambda: state.runs)
    first = worker.id
    office.link().script("worker_reap", first)  # as if its heartbeat had been late
    assert await client.notice(id) == "worker_lost"
    state.gate.set()
    assert await client.status(await client.ask("/run/after/")) == 200
    assert worker.id != first
    assert not await client.frames(id)
    assert state.runs == ["POST post", "GET after"]


# The end.


async def test_a_drain_finishes_what_runs_and_takes_nothing_new(client, hire, office, state):
    worker = hire(threads=2)
    ids = [await client.ask(f"/run/{name}/?wait") for name in "ab"]
    await eventually(lambda: len(state.runs) == 2)
    worker.worker.stop()
    await eventually(lambda: told_state(office, worker) == b"draining")
    left = await client.ask("/run/left/")
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200, 200]
    assert worker.ended() == 0
    assert not office.client.zscore(office.keys.workers, worker.id)
    assert not await client.frames(left)
    assert len(state.runs) == 2


def told_state(office, worker) -> bytes:
    return office.client.hget(office.keys.named("worker", worker.id), "state")


async def test_after_the_graceful_timeout_work_is_given_up(client, hire, office, state, caplog):
    worker = hire(graceful_timeout=0.3)
    id = await client.ask("/run/long/?wait", "POST")
    await eventually(lambda: state.runs)
    worker.worker.stop()
    assert worker.ended() == 3
    assert await client.notice(id) == "worker_lost"
    assert "Requests still ran after the graceful timeout" in caplog.text


async def test_what_is_claimed_while_the_stop_comes_is_handed_back(
    client, hire, office, state, at_the_end
):
    at_the_end(lambda: state.gate.wait(30))  # of the first, while the second is claimed already
    first, second = [await client.ask(f"/run/{name}/", "POST") for name in "ab"]
    worker = hire()
    assert await client.status(first) == 200
    assert (office.counters().in_flight, office.counters().waiting) == (1, 0)
    worker.worker.stop()
    await eventually(lambda: told_state(office, worker) == b"draining")
    state.gate.set()
    assert worker.ended() == 0
    assert state.runs == ["POST a"]
    assert office.counters().waiting == 1
    hire()
    (frame,) = await client.whole(second)
    assert frame.head.attempt == 1
    assert state.runs == ["POST a", "POST b"]


async def test_burst_ends_when_nothing_waits(client, hire):
    ids = [await client.ask(f"/run/{n}/") for n in range(5)]
    assert hire(burst=True, threads=2).ended() == 0
    assert [await client.status(id) for id in ids] == [200] * 5


async def test_after_so_many_requests_it_ends(client, hire, office, state):
    for n in range(5):
        await client.ask(f"/run/{n}/")
    assert hire(max_requests=3).ended() == 0
    assert len(state.runs) == 3
    assert office.counters().waiting == 2


# Answers.


async def test_the_answer_is_sent_before_receivers_are_done(client, hire, state, at_the_end):
    closings = []
    at_the_end(lambda: closings.append(1) or state.gate.wait(30))
    hire()
    assert await client.status(await client.ask("/run/a/")) == 200
    assert not state.gate.is_set()
    state.gate.set()
    assert await client.status(await client.ask("/run/b/")) == 200
    await eventually(lambda: len(closings) == 2)


@pytest.fixture
def at_the_end():
    """Has something done whenever a response is closed."""
    receivers = []

    def connect(action):
        receivers.append(lambda **kwargs: action())
        signals.request_finished.connect(receivers[-1])

    yield connect
    for receiver in receivers:
        signals.request_finished.disconnect(receiver)
