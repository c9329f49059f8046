"""Bodies that their fronts keep, received piece by piece by applications on an event loop."""

import hashlib

import pytest

from queueproxy.broker.async_worker_broker import BODIES_AT_ONCE
from queueproxy.envelopes import PIECE_SIZE, Frame

from ...brokers import eventually
from ..test_upload import LARGE, cut, noise, take
from . import async_views


@pytest.fixture
def start_worker(start_worker, settings):
    """As of the package, for a site with asynchronous views."""
    settings.ROOT_URLCONF = async_views.__name__
    return start_worker


@pytest.fixture
def hold(kit, front):
    """Takes a body in and holds the request for the view that reads it."""

    async def hold(body: bytes, number: int = 0):
        taken = await take(front, *cut(body, 65_536))
        request = kit.encoded_request(
            front.id, f"b{number}", body=body, piece_size=taken.piece_size
        )
        return front.hold(request, body=taken.kept)

    return hold


async def answered(held) -> Frame:
    return await held.next_event()


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@pytest.mark.parametrize("size", [PIECE_SIZE - 1, PIECE_SIZE, LARGE])
async def test_it_comes_whole(kit, front, hold, start_worker, state, size):
    start_worker(at_once=2)
    body = noise(size)
    with await hold(body) as held:
        frame = await answered(held)
    assert (frame.head.status, frame.body) == (200, digest(body))
    assert state.runs == [str(size)]
    await eventually(lambda: not kit.client.keys(kit.keys.named("piece", "*")))
    await eventually(lambda: kit.recount() == [])
    assert front.spool.used == 0


async def test_more_at_once_than_there_are_threads_for_them(kit, hold, start_worker):
    number = BODIES_AT_ONCE + 3
    start_worker(at_once=number)
    bodies = [noise(LARGE + one) for one in range(number)]
    held = [await hold(body, one) for one, body in enumerate(bodies)]
    for one, body in zip(held, bodies, strict=True):
        with one:
            assert (await answered(one)).body == digest(body)
    await eventually(lambda: kit.recount() == [])


async def test_a_client_that_leaves_before_its_body_is_read(kit, front, hold, start_worker, state):
    """Nothing of the project has been run, and nothing is."""
    start_worker(at_once=2)
    held = await hold(noise(LARGE))
    held._drop_body()  # so the front has nothing to hand over
    await eventually(lambda: kit.counters().in_flight == 1)
    with held:
        pass
    await eventually(lambda: kit.counters().in_flight == 0)
    assert state.runs == []
    await eventually(lambda: kit.recount() == [])


async def test_what_the_front_does_not_hand_over(hold, start_worker, state, monkeypatch, caplog):
    monkeypatch.setattr("queueproxy.worker.incoming_body.PATIENCE", 0.3)
    start_worker(at_once=2)
    with await hold(noise(LARGE)) as held:
        held._drop_body()
        assert (await answered(held)).head.status == 500
    assert state.runs == []
    assert "does not hand its body over" in caplog.text
