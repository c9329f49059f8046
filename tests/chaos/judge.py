"""Compares what users saw with what the ledger says was run."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from .ledger import Execution
from .site import SETTINGS, Mishap
from .users import CUT, LEFT, UNSAFE, Outcome

MAX_ATTEMPTS = 2
LATE = 2.0  # seconds past MAX_HOLD
PERMANENT = {"state", "queue", "stats", "history", "bell", "dead"}  # kinds of keys left at rest

# Faults by which the broker forgets requests that a front still holds: it loses its data, or gives
# the front up. The front sends them again where they may be repeated, and their attempts are
# counted anew: such a request may be run more often than MAX_ATTEMPTS, and its latest attempt is
# not the one with the highest number.
FORGETTING = {"crash_broker", "flush_broker", "freeze_front"}

Runs = Mapping[str, Sequence[Execution]]


def judge(outcomes: Iterable[Outcome], runs: Runs, mishaps: Collection[Mishap] = ()) -> list[str]:
    """Every violation, in words, with the faults it met.

    Args:
        runs: see ledger.by_nonce.
        mishaps: all there were.
    """
    violations = []
    for outcome in outcomes:
        mine = runs.get(outcome.nonce, ())
        met = [mishap for mishap in mishaps if _met(outcome, mishap)]
        names = {mishap.name for mishap in met}
        complaints = [*_always(outcome, len(mine)), *_too_long(outcome, met)]
        if not names & FORGETTING:
            complaints += _while_nothing_is_forgotten(outcome, mine)
        what = f"{outcome.kind} {outcome.nonce} {outcome.status}"
        violations += [f"{what}: {c} (met {', '.join(sorted(names))})" for c in complaints]
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


def _too_long(outcome: Outcome, met: Iterable[Mishap]) -> Iterable[str]:
    # A front that is stopped can tell nobody.
    stopped = sum(m.ended - m.began for m in met if m.name == "freeze_front")
    if outcome.kind != "STREAM" and outcome.seconds > SETTINGS["MAX_HOLD"] + LATE + stopped:
        yield f"held for {outcome.seconds:.1f} s"


def _while_nothing_is_forgotten(outcome: Outcome, runs: Sequence[Execution]) -> Iterable[str]:
    if len(runs) > MAX_ATTEMPTS:
        yield f"run {len(runs)} times"
    latest = max((execution.attempt for execution in runs), default=0)
    if 0 < outcome.attempt < latest:
        yield f"answered by attempt {outcome.attempt}, which had been given up for {latest}"


def _met(outcome: Outcome, mishap: Mishap) -> bool:
    # Who left or was cut may leave a request behind that lives as long as its hold.
    longer = SETTINGS["MAX_HOLD"] if outcome.status in (CUT, LEFT) else LATE
    return outcome.began <= mishap.ended + LATE and mishap.began <= outcome.ended + longer


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
