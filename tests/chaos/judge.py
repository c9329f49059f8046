"""Compares what users saw with what the ledger says was run."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from .ledger import Execution
from .site import SETTINGS
from .users import CUT, LEFT, UNSAFE, Outcome

MAX_ATTEMPTS = 2
LATE = 2.0  # seconds past MAX_HOLD
PERMANENT = {"state", "queue", "stats", "history", "bell", "dead"}  # kinds of keys left at rest

Runs = Mapping[str, Sequence[Execution]]
Span = tuple[float, float]  # began and ended, as Outcome's times


def judge(outcomes: Iterable[Outcome], runs: Runs, losses: Collection[Span] = ()) -> list[str]:
    """Every violation, in words.

    Args:
        runs: see ledger.by_nonce.
        losses: when the broker lost data, or may have. A repeatable request of such a time may be
            run more often than MAX_ATTEMPTS, since the count of attempts was lost with it, and
            again after its answer, since the settling was.
    """
    violations = []
    for outcome in outcomes:
        mine = runs.get(outcome.nonce, ())
        complaints = [*_always(outcome, len(mine))]
        if not _touched(outcome, losses):
            complaints += _while_nothing_is_lost(outcome, mine)
        violations += [f"{outcome.kind} {outcome.nonce} {outcome.status}: {c}" for c in complaints]
    return violations


def _always(outcome: Outcome, times: int) -> Iterable[str]:
    if outcome.wrong:
        yield outcome.wrong
    if outcome.kind in UNSAFE and times > 1:
        yield f"unsafe and run {times} times"
    if 200 <= outcome.status < 500 and times < 1:
        yield "answered and never run"
    if outcome.status == 503 and times > 0:
        yield f"503 says it was not run, but it was, {times} times"
    if outcome.kind != "STREAM" and outcome.seconds > SETTINGS["MAX_HOLD"] + LATE:
        yield f"held for {outcome.seconds:.1f} s"


def _while_nothing_is_lost(outcome: Outcome, runs: Sequence[Execution]) -> Iterable[str]:
    if len(runs) > MAX_ATTEMPTS:
        yield f"run {len(runs)} times"
    latest = max((execution.attempt for execution in runs), default=0)
    if 0 < outcome.attempt < latest:
        yield f"answered by attempt {outcome.attempt}, which had been given up for {latest}"


def _touched(outcome: Outcome, losses: Collection[Span]) -> bool:
    # Who left or was cut may leave a request behind that lives as long as its hold.
    longer = SETTINGS["MAX_HOLD"] if outcome.status in (CUT, LEFT) else LATE
    return any(
        outcome.began <= ended and began <= outcome.ended + longer for began, ended in losses
    )


def at_rest(client) -> list[str]:
    """What the broker still holds when everybody has gone, and must not."""
    wrong = []
    for key in client.keys("*"):
        kind = key.partition(":")[2].partition(":")[0]
        if kind not in PERMANENT:
            wrong.append(f"left over: {key}")
        if kind == "queue" and client.xlen(key):
            wrong.append(f"{client.xlen(key)} entries left in {key}")
    for field, value in client.hgetall("{queueproxy}:state").items():
        if field.startswith(("waiting:", "inflight:", "bytes", "returned:")) and int(value) != 0:
            wrong.append(f"{field} is {value} at rest")
    return wrong
