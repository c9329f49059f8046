"""What the broker has counted, and what it still holds when everybody has gone."""

import time

from queueproxy.keys import Keys

from ..recount import differences

KEYS = Keys("queueproxy")
# Kinds of keys left at rest.
PERMANENT = {"state", "queue", "stats", "history", "bell", "dead", "routes", "answered"}
# Left for a while: an answer was written on a connection that broke before its script came.
EXPIRING = {"answer", "release", "table", "boot_failures"}
COUNTED = ("waiting:", "inflight:", "bytes", "returned:", "parked:", "in_line:", "replies:")
STILL_WITHIN = 30.0  # seconds, on a busy machine, from the last user to a broker that holds nothing
PAUSE_MS = 60_000  # at most: far more than a recount takes


def counted_wrong(client) -> list[str]:
    """A recount while everybody is at work; they stand still for as long as it takes."""
    client.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
    try:
        return [f"under load: {difference}" for difference in differences(client, KEYS)]
    finally:
        client.execute_command("CLIENT", "UNPAUSE")


def not_at_rest(client) -> list[str]:
    """What is left of past requests, with fronts and workers there and no users for a while."""
    deadline = time.monotonic() + STILL_WITHIN
    while True:
        wrong = [*_not_zero(client), *counted_wrong(client)]
        if not wrong or time.monotonic() > deadline:
            return [f"without users: {one}" for one in wrong]
        time.sleep(0.2)


def left_over(client) -> list[str]:
    """What the broker still holds when everybody has gone, and must not."""
    wrong = []
    for key in client.keys("*"):
        kind = key.partition(":")[2].partition(":")[0]
        if kind in EXPIRING and client.pttl(key) > 0:
            continue
        if kind not in PERMANENT:
            wrong.append(f"left over: {key}")
        if kind == "queue" and client.xlen(key):
            wrong.append(f"{client.xlen(key)} entries left in {key}")
    return [*wrong, *_not_zero(client), *differences(client, KEYS)]


def _not_zero(client) -> list[str]:
    return [
        f"{field} is {value} at rest"
        for field, value in client.hgetall(KEYS.state).items()
        if field.startswith(COUNTED) and int(value) != 0
    ]
