"""Compares what users saw with what the ledger says was run."""

from collections.abc import Iterable, Mapping

from .site import SETTINGS
from .users import UNSAFE, Outcome

MAX_ATTEMPTS = 2
LATE = 2.0  # seconds past MAX_HOLD


def read_ledger(lines: Iterable[str]) -> dict[str, list[str]]:
    """Tokens of the executions, by nonce, in the order they began."""
    runs: dict[str, list[str]] = {}
    for line in lines:
        nonce, _method, _pid, token = line.split()
        runs.setdefault(nonce, []).append(token)
    return runs


def judge(
    outcomes: Iterable[Outcome], runs: Mapping[str, list[str]], *, broker_lost: bool
) -> list[str]:
    """Every violation, in words.

    Args:
        runs: see read_ledger.
        broker_lost: whether the broker lost data in this run. A repeatable request may then be
            run more often than MAX_ATTEMPTS, since the count of attempts was lost with it, and
            again after its answer, since the settling was.
    """
    violations = []
    for outcome in outcomes:
        tokens = runs.get(outcome.nonce, [])
        complaints = [*_complaints(outcome, len(tokens), broker_lost)]
        if outcome.token and not broker_lost and outcome.token != tokens[-1]:
            complaints.append("answered by an execution that had been given up")
        for complaint in complaints:
            violations.append(f"{outcome.kind} {outcome.nonce} {outcome.status}: {complaint}")
    return violations


def _complaints(outcome: Outcome, times: int, broker_lost: bool) -> Iterable[str]:
    unsafe = outcome.kind in UNSAFE
    if outcome.wrong:
        yield outcome.wrong
    if unsafe and times > 1:
        yield f"unsafe and run {times} times"
    if not unsafe and times > MAX_ATTEMPTS and not broker_lost:
        yield f"run {times} times"
    if 200 <= outcome.status < 500 and times < 1:
        yield "answered and never run"
    if outcome.status == 503 and times > 0:
        yield f"503 says it was not run, but it was, {times} times"
    if outcome.kind != "STREAM" and outcome.seconds > SETTINGS["MAX_HOLD"] + LATE:
        yield f"held for {outcome.seconds:.1f} s"


def at_rest(client) -> list[str]:
    """What the broker still holds when everybody has gone, and must not."""
    wrong = []
    allowed = {"state", "queue", "stats", "history", "bell", "dead"}
    for key in client.keys("*"):
        kind = key.partition(":")[2].partition(":")[0]
        if kind not in allowed:
            wrong.append(f"left over: {key}")
        if kind == "queue" and client.xlen(key):
            wrong.append(f"{client.xlen(key)} entries left in {key}")
    for field, value in client.hgetall("{queueproxy}:state").items():
        if field.startswith(("waiting:", "inflight:", "bytes", "returned:")) and int(value) != 0:
            wrong.append(f"{field} is {value} at rest")
    return wrong
