"""Runs the state machine for so many steps."""

import math
from collections import Counter
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .base import Base
from .machine import States
from .table import Move, moves

STEPS_A_RUN = 50


class Seen(NamedTuple):
    """What a run has tried.

    Attributes:
        calls: of scripts, each checked.
        moves: how often each move was made.
    """

    calls: int
    moves: Counter[Move]

    @property
    def never(self) -> list[Move]:
        """Moves of the page that were never made."""
        return sorted(moves() - {*self.moves})


def run(url: str, steps: int, number: int | None = None, *, shrink: bool = True) -> Seen:
    """Run it; where it fails, Hypothesis prints the shortest run that does.

    Args:
        url: of a broker that it may empty.
        steps: rules tried, about.
        number: seed; None for the same steps each time.
        shrink: look for the shortest run that fails.

    Raises:
        AssertionError: the scripts did what the page does not allow.
    """
    Base.seen.clear()
    Base.steps = 0
    machine = type("States", (States,), {"url": url})
    if number is not None:
        machine = seed(number)(machine)
    chosen = settings(
        max_examples=math.ceil(steps / STEPS_A_RUN),
        stateful_step_count=STEPS_A_RUN,
        derandomize=number is None,
        database=None,
        deadline=None,
        report_multiple_bugs=shrink,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )
    run_state_machine_as_test(machine, settings=chosen)
    return Seen(Base.steps, Counter(Base.seen))
