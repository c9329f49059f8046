"""The server's clock, as the states' runs have it: it goes on by a step for each call.

Of the machine's clock the same steps would not always make the same run: a slow one lets leases end
that a quick one keeps. Hypothesis needs that (it runs what has failed again, to shorten it).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

import queueproxy.broker.link.protocol as protocol

from ..chaos.probe.script_switches import changed

KEY = "clock of the states' runs"  # of no namespace
BEGINS = 1_700_000_000_000  # ms
STEP = 3  # ms
SERVER_MS = f"""
function server_ms()
  return redis.call('INCRBY', "{KEY}", {STEP})
end
"""


@contextmanager
def stepping_clock() -> Iterator[None]:
    """Let this process use scripts that go by this clock."""
    before = protocol.library
    scripts = changed(before(), "stepping", SERVER_MS)
    protocol.library = lambda: scripts
    try:
        yield
    finally:
        protocol.library = before


def start_clock(client: redis.Redis) -> None:
    """Set it to where each run begins."""
    client.set(KEY, BEGINS)


def flush_all_but_clock(client: redis.Redis) -> None:
    """Let the server forget everything; its clock, which is no key of its own, goes on."""
    now = client.get(KEY)
    client.flushall()
    client.set(KEY, now)


def step_clock(client: redis.Redis, seconds: float) -> None:
    """Let it jump, as when somebody sets it."""
    client.incrby(KEY, int(seconds * 1000))
