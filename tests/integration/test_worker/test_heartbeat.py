"""A worker's heartbeat where the broker does not take it at once."""

import time
from collections.abc import Callable

import pytest

from ...brokers import BrokerKit, eventually
from ..conftest import kit_of_user

USER, PASSWORD = "workers", "their-password"
LEASE = 18.0  # seconds: a heartbeat every six


@pytest.fixture
async def kit(broker):
    """Workers connect as a user whose rights can be taken; the test itself does not."""
    async with kit_of_user(broker, USER, PASSWORD) as kit:
        yield kit


def lease_ends(kit: BrokerKit, worker: str) -> Callable[[], float | None]:
    """Tell when its lease ends; each heartbeat puts that off."""
    return lambda: kit.client.zscore(kit.keys.workers, worker)


async def test_one_that_was_refused_is_made_up_for_before_the_next_is_due(
    kit, start_worker, caplog
):
    """Else a few moments' refusals, each as a heartbeat is due, would cost the worker its lease."""
    worker = start_worker(lease=LEASE)
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == 1, "it is idle")
    ends = lease_ends(kit, worker.id)
    begun = ends()
    await eventually(lambda: ends() != begun, "a heartbeat that is not the first")
    before = ends()
    kit.client.execute_command("ACL", "SETUSER", USER, "-fcall")
    await eventually(lambda: "refuses FCALL worker_beat: NOPERM" in caplog.text)
    kit.client.execute_command("ACL", "SETUSER", USER, "+fcall")
    allowed = time.monotonic()
    await eventually(lambda: ends() != before, "a heartbeat")
    assert time.monotonic() - allowed < LEASE / 6
