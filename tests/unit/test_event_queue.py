"""The events of a held request, for the one coroutine that waits."""

import asyncio

from queueproxy.front.event_queue import EventQueue


async def test_what_woke_it_may_be_gone():
    events = EventQueue(asyncio.get_running_loop())
    waiting = asyncio.create_task(events.next())
    await asyncio.sleep(0)  # to where it waits
    events.put("dropped")
    events.clear()
    await asyncio.sleep(0)
    events.put("kept")
    assert await waiting == "kept"
