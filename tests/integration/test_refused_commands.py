"""A right is taken from the broker's user, and given back: what a script left undone is mended.

A function runs with the rights of its caller, so each command in it may be refused alone, in the
middle of what it does. With every call and every command in it: once the command is allowed again
and processes have sent their heartbeats, the counters are those of a recount, and each request
comes to its one end.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from queueproxy.broker.operate.acl import commands_in_functions
from queueproxy.exceptions import ErrorReply

from ..brokers import QUEUES, BrokerKit
from .conftest import kit_of_user
from .stage import CALLS, FRONT, Stage

USER, PASSWORD = "processes", "their-password"
FUNCTIONS = {  # of calls that are not named like theirs
    **dict.fromkeys(("claim", "settle", "refuse", "release", "put_off"), "settle_and_claim"),
    "reap_worker": "worker_reap",
    "leave": "front_leave",
}


def commands_of(call: str) -> list[str]:
    return sorted(commands_in_functions()[FUNCTIONS.get(call, call)])


@pytest.fixture
async def kit(broker):
    """All but the test itself connects as a user whose rights can be taken."""
    async with kit_of_user(broker, USER, PASSWORD) as kit:
        yield kit


@contextmanager
def refused(kit: BrokerKit, command: str) -> Iterator[None]:
    """While the user may not send it."""
    kit.client.execute_command("ACL", "SETUSER", USER, f"-{command}")
    yield
    kit.client.execute_command("ACL", "SETUSER", USER, f"+{command}")


def beat(kit: BrokerKit, stage: Stage) -> None:
    """What each process does a few times in its lease."""
    kit.link().script("front_beat", FRONT, 15_000, *QUEUES)
    stage.worker.beat("busy", 0)


async def succeeds(make: Callable[[], Awaitable]) -> bool:
    try:
        await make()
    except ErrorReply:
        return False
    return True


@pytest.mark.parametrize(
    ("call", "command"), [(call, command) for call in CALLS for command in commands_of(call)]
)
async def test_a_command_refused_in_the_middle(kit, call, command):
    stage = await Stage(kit).set_up()
    make = getattr(stage, call)
    with refused(kit, command):
        done = await succeeds(make) or await succeeds(make)  # who is refused tries again
    if not done:
        await make()
    beat(kit, stage)
    assert kit.recount() == []
    ends = await stage.end()
    assert kit.recount() == []
    assert (kit.counters().waiting, kit.counters().in_flight) == (0, 0)
    ends.pop("streamed", None)  # its first frames stay, and its last may be nobody's
    wanted = stage.ids - stage.withdrawn - {"streamed"}
    assert {id: len(ends.get(id, ())) for id in wanted} == dict.fromkeys(wanted, 1)
