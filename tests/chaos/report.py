"""Tells people what a run of chaos was and what it found."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from .judge import Evidence
from .ledger import DIED, FAINTED
from .once import ONCE
from .users import Outcome

SHOWN = 40  # violations


@dataclass
class Result:
    """A run: how long it took (seconds), what users saw, how often each fault happened."""

    seconds: float
    outcomes: list[Outcome]
    injected: Counter[str]
    violations: list[str]
    evidence: Evidence = field(default_factory=lambda: Evidence(()))
    quiet: int = 0  # pauses and holds in which nothing may have run
    ledger: str = ""


def keep(path: str, outcomes: Iterable[Outcome], evidence: Evidence) -> None:
    """Write all that was seen into a file, a line for each request and each fault, as JSON."""
    with open(path, "w") as file:
        for mishap in evidence.mishaps:
            file.write(json.dumps(mishap._asdict()) + "\n")
        for outcome in outcomes:
            runs = [execution._asdict() for execution in evidence.runs.get(outcome.nonce, ())]
            file.write(json.dumps({**asdict(outcome), "runs": runs}) + "\n")


def report(result: Result, seed: int) -> None:
    """Print it."""
    outcomes, runs = result.outcomes, result.evidence.runs
    by_status = Counter((outcome.kind, outcome.status) for outcome in outcomes)
    executions = sum(map(len, runs.values()))
    print(f"seed {seed}, {result.seconds / 60:.1f} minutes")
    print(f"requests {len(outcomes)}, executions {executions} (ledger: {result.ledger})")
    for kind in sorted({outcome.kind for outcome in outcomes}):
        parts = [f"{s}: {n}" for (k, s), n in sorted(by_status.items()) if k == kind]
        print(f"  {kind:<7} {', '.join(parts)}")
    print("faults   " + ", ".join(f"{name}: {n}" for name, n in sorted(result.injected.items())))
    slowest = max((outcome.seconds for outcome in outcomes), default=0)
    again = sum(len(mine) > 1 for mine in runs.values())
    print(f"slowest {slowest:.1f} s, requests run again {again}, quiet spells {result.quiet}")
    _report_once(outcomes)
    _report_mishaps(result.evidence)
    print(f"violations {len(result.violations)}")
    for violation in result.violations[:SHOWN]:
        print("  " + violation)


def _report_once(outcomes: Iterable[Outcome]) -> None:
    """Print how often what happens once was asked for, and in vain."""
    once = [outcome for outcome in outcomes if outcome.kind in ONCE]
    sent = len(once) + sum(outcome.kind == "ONCE-AGAIN" for outcome in once)
    refused = Counter(one.status for one in once if one.status >= 502)
    told = "".join(f", {status}: {refused[status]}" for status in (502, 503, 504))
    print(f"once     sent {sent}{told}")


def _report_mishaps(evidence: Evidence) -> None:
    """Print where workers died and fainted, beside the faults; and what happened once."""
    for word, what in (("killed", DIED), ("stopped", FAINTED)):
        places = Counter(mark.place for mark in evidence.marks(what))
        told = ", ".join(f"{place}: {number}" for place, number in sorted(places.items()))
        print(f"workers {word} {places.total()}{told and f': {told}'}")
    print(f"committed once {sum(len(tokens) == 1 for tokens in evidence.effects.values())}")
