"""Compares what users saw with what the ledger says was run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .ledger import DIED, FAINTED, IN_CHILD, NOT_BY, QUIET, QUIET_ENDS, Execution, Mark, by_nonce
from .once import AWAKE_AFTER, ONCE
from .site import GRACEFUL, SETTINGS, Mishap
from .stall_watch import STALL
from .users import CUT, KEPT, LEFT, STREAMED, UNSAFE, Outcome

MAX_ATTEMPTS = 2
FENCED_ATTEMPTS = 10
LATE = 2.0  # seconds past MAX_HOLD
TURNED_AWAY = (408, 413)  # before the request was complete: it can't have run

# Faults by which the broker forgets requests that a front still holds: it loses its data, or gives
# the front up. The front sends them again where they may be repeated, MAX_ATTEMPTS times in all,
# and their attempts are counted anew: such a request may be run more often than MAX_ATTEMPTS, and
# its latest attempt is not the one with the highest number. Others are answered 502.
FORGETTING = {
    *("crash_broker", "flush_broker", "clear_shared_cache", "freeze_front"),
    "kill_embedded_broker",
}
# By these clients lose their connections.
CUTTING = {"kill_front", "replace_front", "kill_embedded_front", "stop_embedded_front"}
# By these workers drain, and give up what runs longer than that may take.
DRAINING = {
    *("drain_workers", "reload_workers", "kill_supervisor"),
    *("kill_embedded_supervisor", "reload_embedded"),
}
# By these workers may be lost that have claimed a request and not noted it yet.
DEADLY = {"kill_worker", "freeze_worker", "wake_zombie", "crash", "faint"}
# By these views fail that are at work.
FAILING_VIEWS = {"crash_database", "fail_over_database"}
# By these nobody is kept waiting: the request goes on at once, or is answered.
QUICK = {"kill_worker", "crash", "kill_connections"}

Runs = Mapping[str, Sequence[Execution]]


@dataclass
class Evidence:
    """What is known of a run beside what users saw.

    Args:
        executions: the ledger's rows, in order.
        mishaps: the faults.
        hurt: process ids of workers that were killed or stopped.
        must_not_run: nonces of requests that were withdrawn while everything was paused.
        effects: of what must happen once: the tokens of the executions that were committed.
    """

    executions: Sequence[Execution]
    mishaps: Sequence[Mishap] = ()
    hurt: frozenset[int] = frozenset()
    must_not_run: Sequence[str] = ()
    effects: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runs: Runs = field(init=False)

    def __post_init__(self):
        self.runs = by_nonce(self.executions)
        crashes = [Mishap("crash", death.at, death.at) for death in self.marks(DIED)]
        asleep = max(AWAKE_AFTER)
        faints = [Mishap("faint", faint.at, faint.at + asleep) for faint in self.marks(FAINTED)]
        self.mishaps = [*self.mishaps, *crashes, *faints]
        self.hurt = self.hurt | {row.pid for row in self.executions if row.nonce in (DIED, FAINTED)}

    def marks(self, what: str) -> list[Mark]:
        """Where and when workers have died, or fainted: DIED, FAINTED."""
        return [Mark.read(row.token) for row in self.executions if row.nonce == what]


def judge(outcomes: Iterable[Outcome], evidence: Evidence) -> list[str]:
    """Every violation, in words, with the faults it met."""
    violations = [*_quiet(evidence.executions), *_in_children(evidence.executions)]
    violations += _by_the_wrong_release(evidence.executions)
    for nonce in evidence.must_not_run:
        if nonce in evidence.runs:
            violations.append(f"{nonce} was withdrawn and run")
    for outcome in outcomes:
        mine = evidence.runs.get(outcome.nonce, ())
        met = [mishap for mishap in evidence.mishaps if _met(outcome, mishap)]
        names = {mishap.name for mishap in met}
        complaints = [*_always(outcome, len(mine)), *_too_long(outcome, met)]
        complaints += _unexplained(outcome, mine, met, evidence.hurt)
        if outcome.kind in ONCE:
            complaints += _once(outcome, names, evidence.effects.get(outcome.nonce, ()))
        elif not names & FORGETTING:
            complaints += _while_nothing_is_forgotten(outcome, mine)
        what = f"{outcome.kind} {outcome.nonce} {outcome.status}"
        violations += [f"{what}: {c} (met {', '.join(sorted(names))})" for c in complaints]
    return violations


def _quiet(executions: Iterable[Execution]) -> Iterable[str]:
    """Nothing runs inside a pause in which nothing was in flight (P7)."""
    why = ""
    for execution in executions:
        if execution.nonce == QUIET:
            why = execution.token
        elif execution.nonce == QUIET_ENDS:
            why = ""
        elif why and execution.nonce not in (DIED, FAINTED):
            yield f"{execution.nonce} was run inside a {why}"


def _by_the_wrong_release(executions: Iterable[Execution]) -> Iterable[str]:
    """Nothing is run by workers of a release that is not active."""
    barred: set[str] = set()
    for execution in executions:
        if execution.nonce == NOT_BY:
            barred = set(execution.token.split())
        elif str(execution.pid) in barred and execution.nonce != DIED:
            yield f"{execution.nonce} was run by a release that was not active"


def _in_children(executions: Iterable[Execution]) -> Iterable[str]:
    for execution in executions:
        if execution.token.startswith(IN_CHILD):
            yield f"{execution.nonce} was run by a process that a view had forked"


def _always(outcome: Outcome, times: int) -> Iterable[str]:
    if outcome.wrong:
        yield outcome.wrong
    if outcome.kind in UNSAFE and times > 1:
        yield f"unsafe and run {times} times"
    most = FENCED_ATTEMPTS if outcome.kind in ONCE else MAX_ATTEMPTS
    if times > most**2:  # sent MAX_ATTEMPTS times, each run as often
        yield f"run {times} times, whatever was lost"
    if outcome.status in TURNED_AWAY and times > 0:
        yield f"turned away, and run {times} times"
    if 200 <= outcome.status < 500 and outcome.status not in TURNED_AWAY and times < 1:
        yield "answered and never run"
    if outcome.status == 503 and times > 0 and outcome.kind not in ONCE:
        yield f"503 says it was not run, but it was, {times} times"
    if outcome.kind == "STALL" and times > 0:
        yield "run, though its body never came"


def _once(outcome: Outcome, met: set[str], effects: Sequence[str]) -> Iterable[str]:
    """What happens exactly once: docs/exactly-once.md.

    A front that has just started may not know yet that a view says so.
    """
    if len(effects) > 1:
        yield f"committed {len(effects)} times"
    if outcome.status == 200 and list(effects) != [outcome.token]:
        yield f"answered by {outcome.token or 'nobody'}, committed by {list(effects)}"
    if outcome.status in (500, 503) and effects:
        yield f"{outcome.status} says that nothing was committed, but it was"
    if outcome.status == 500 and outcome.kind != "ONCE-FAIL" and not met & FAILING_VIEWS:
        yield "its view failed, and nothing made it"
    if outcome.status == 502 and not met & CUTTING:
        yield "told that the outcome is unknown"


def _too_long(outcome: Outcome, met: Iterable[Mishap]) -> Iterable[str]:
    # A front that is stopped can tell nobody.
    stopped = sum(m.ended - m.began for m in met if m.name in ("freeze_front", STALL))
    if outcome.seconds > SETTINGS["MAX_HOLD"] + outcome.extra + LATE + stopped:
        yield f"held for {outcome.seconds:.1f} s"


def _unexplained(
    outcome: Outcome, runs: Sequence[Execution], met: Sequence[Mishap], hurt: frozenset[int]
) -> Iterable[str]:
    """Who was told that a worker was lost, or was cut, met a fault that does such a thing.

    So did who was not cut though it read nothing: where its worker is lost the answer ends behind
    bytes that it doesn't take.
    """
    names = {mishap.name for mishap in met}
    if names & (FORGETTING | CUTTING | {STALL}):
        return
    waited = outcome.seconds - (outcome.extra if outcome.kind == "DRIBBLE" else 0)
    if outcome.status == 503 and waited < SETTINGS["MAX_HOLD"] - LATE:
        yield f"turned away after {waited:.1f} s, and there was room"
    if outcome.status == 504 and names <= QUICK:
        yield "nothing kept it from its answer"
    if outcome.status not in (CUT, KEPT, 502):
        return
    if any(run.pid in hurt for run in runs) or (not runs and names & DEADLY):
        return
    if _outlasted_a_drain(outcome, met):
        return
    yield f"no fault explains it, after {outcome.seconds:.1f} s"


def _outlasted_a_drain(outcome: Outcome, met: Iterable[Mishap]) -> bool:
    """Whether its worker gave it up: a page takes longer than its silence on a busy machine."""
    drains = [mishap for mishap in met if mishap.name in DRAINING]
    lasted = outcome.kind in STREAMED and any(
        outcome.ended >= drain.began + GRACEFUL for drain in drains
    )
    return bool(drains) and (outcome.extra > GRACEFUL or lasted)


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
