"""A script that errs in the middle: what it changed is counted, what it left can be done.

Somebody gives one key a type no script expects, a call meets it, the key is put right again. With
every call and every key: the counters are those of a recount, the same call then succeeds, and each
request comes to its one end, after no more attempts than it may have.
"""

from contextlib import contextmanager

import pytest

from queueproxy.exceptions import ScriptFailed

from ..brokers import BrokerKit
from .stage import CALLS, FRONT, QUEUE, Stage

# One key of each kind that a call below reads or writes.
KEYS = [
    *("leases", "attempts", "dead", "workers", "fronts", "pauses", "holds"),
    *(f"returned:{QUEUE}", f"queue:{QUEUE}", "queue:low", f"stats:{QUEUE}", f"bell:{QUEUE}"),
    *(f"held:{FRONT}", f"replies:{FRONT}", f"front:{FRONT}"),
    *("flow:WORKER", "bell:flow@WORKER", "bell:body@WORKER/0", "piece:PIECE", "parked:low:4"),
]


@contextmanager
def broken(kit: BrokerKit, name: str):
    """While the key is a plain string; its value is put back at the end."""
    key, aside = kit.keys.prefix + name, kit.keys.prefix + "aside"
    was_there = kit.client.exists(key)
    if was_there:
        kit.client.rename(key, aside)
    kit.client.set(key, "not what it should be")
    yield
    kit.client.delete(key)
    if was_there:
        kit.client.rename(aside, key)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("call", CALLS)
async def test_an_error_in_the_middle(kit, call, name):
    stage = await Stage(kit).set_up()
    erred = False
    piece = f"again:{stage.again.entry}:2:0"
    with broken(kit, name.replace("WORKER", stage.worker.worker).replace("PIECE", piece)):
        try:
            await getattr(stage, call)()
        except ScriptFailed:
            erred = True
    assert kit.counters() == kit.there()
    if erred:
        await getattr(stage, call)()
        assert kit.counters() == kit.there()
    ends = await stage.end()
    assert kit.counters() == kit.there()
    assert (kit.counters().waiting, kit.counters().in_flight) == (0, 0)
    ends.pop("streamed", None)  # its first frames stay, and its last may be nobody's
    wanted = stage.ids - stage.withdrawn - {"streamed"}
    assert {id: len(ends.get(id, ())) for id in wanted} == dict.fromkeys(wanted, 1)


async def test_an_error_while_another_server_is_agreed_on(kit):
    """The fences are all there before anybody is told that the epoch is agreed on."""
    front = await kit.front_broker(FRONT)
    await kit.put(front, "post", most=1)
    await kit.put(front, "get", queue="low")
    kit.client.hset(kit.keys.state, "run", "the server it was before")
    link = kit.link()
    with broken(kit, "queue:low"), pytest.raises(ScriptFailed):
        link.script("front_beat", FRONT, 15_000)
    assert kit.worker_broker().settle_and_claim(None).id == "get"
    assert await kit.answers(front) == {"post": ["worker_lost"]}
    assert kit.counters() == kit.there()
