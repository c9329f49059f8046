"""How long a client may keep an answer waiting (P8)."""

import asyncio

import pytest

from queueproxy.front.http.cut import ClientPatience, ClientTooSlow

SLACK = 0.8  # seconds
MARGIN = 0.01  # seconds beside a limit
RATE = 10_000  # bytes a second
SIZE = 1000  # bytes: a tenth of a second

pytestmark = pytest.mark.usefixtures("own_time")


@pytest.fixture
async def patience():
    return ClientPatience(SLACK, RATE)


async def send(patience: ClientPatience, seconds: float, size: int = SIZE) -> None:
    await patience.wait_for_room(asyncio.sleep(seconds), size)


async def test_one_that_takes_nothing_has_the_slack_and_the_time_of_its_piece(patience):
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ClientTooSlow):
        await send(patience, 60)
    assert loop.time() - began == pytest.approx(SLACK + SIZE / RATE)


async def test_at_exactly_the_limit(patience):
    loop = asyncio.get_running_loop()
    limit = loop.time() + SLACK + SIZE / RATE

    async def until_just_before() -> None:
        done = loop.create_future()
        loop.call_at(limit - MARGIN, done.set_result, None)
        await done

    await patience.wait_for_room(until_just_before(), SIZE)
    with pytest.raises(ClientTooSlow):
        await send(patience, SIZE / RATE + 2 * MARGIN)


async def test_one_that_takes_the_rate_is_never_cut(patience):
    for _ in range(100):
        await send(patience, SIZE / RATE)


async def test_one_that_takes_less_is_cut_once_the_slack_is_used_up(patience):
    async def send_for_ever() -> None:
        while True:
            await send(patience, 2 * SIZE / RATE)

    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ClientTooSlow):
        await send_for_ever()
    assert loop.time() - began > SLACK + 2 * SIZE / RATE


async def test_what_was_taken_before_earns_no_more_than_the_slack(patience):
    await send(patience, 0, size=100 * SIZE)
    with pytest.raises(ClientTooSlow):
        await send(patience, 2 * SLACK + SIZE / RATE)


async def test_a_timeout_of_the_server_itself_is_not_the_clients():
    async def fail() -> None:
        raise TimeoutError("of the system")

    with pytest.raises(TimeoutError, match="of the system"):
        await ClientPatience().wait_for_room(fail(), 1)


async def test_more_slack_counts_at_once(patience):
    """Also for the piece that waits just now; less of it changes nothing."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(SLACK / 2, patience.extend, 2 * SLACK)
    loop.call_later(SLACK / 2, patience.extend, SLACK)
    with pytest.raises(ClientTooSlow):
        await send(patience, 60)
    assert loop.time() - began == pytest.approx(2 * SLACK + SIZE / RATE)
    patience.extend(9 * SLACK)  # nothing waits
