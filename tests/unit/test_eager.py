"""What is begun without waiting: as ``await`` would have it."""

import asyncio

import pytest

from queueproxy.front.http.eager import begin


async def test_what_need_not_wait_is_done_at_once():
    seen = []

    async def quick():
        seen.append(1)

    assert begin(quick()) is None
    assert seen == [1]


async def test_the_rest_is_awaited():
    seen = []

    async def slow():
        for number in range(3):
            seen.append(number)
            await asyncio.sleep(0)
        seen.append("end")

    rest = begin(slow())
    assert seen == [0]
    await rest
    assert seen == [0, 1, 2, "end"]


@pytest.mark.parametrize("waits", [0, 1, 2])
async def test_what_it_raises_is_raised(waits):
    async def fails():
        for _ in range(waits):
            await asyncio.sleep(0)
        raise KeyError("mine")

    async def whole():
        await begin(fails())

    with pytest.raises(KeyError, match="mine"):
        await whole()


async def test_a_future_will_do():
    future = asyncio.get_running_loop().create_future()
    rest = begin(future)
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await rest
    assert begin(future) is None


async def test_its_task_is_cancelled_where_it_waits():
    gate, ended = asyncio.Event(), []

    async def waits():
        try:
            await gate.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # it may clean up
            ended.append("cancelled")
            raise

    async def whole():
        await begin(waits())

    task = asyncio.create_task(whole())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]


async def test_a_time_may_be_set_for_the_rest():
    async def for_ever():
        await asyncio.get_running_loop().create_future()

    rest = begin(for_ever())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await rest


async def test_one_that_swallows_its_cancellation_ends_well():
    async def stubborn():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return

    async def whole():
        await begin(stubborn())
        return "done"

    task = asyncio.create_task(whole())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "done"
