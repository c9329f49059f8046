"""Runs the probe site once for each agent and arrangement."""

from dataclasses import dataclass
from functools import cache

import pytest

from .arrangements import Arrangement

AGENTS = ("sentry", "new_relic", "opentelemetry")


@dataclass(frozen=True)
class Outcome:
    """What clients got and agents reported."""

    answers: list[tuple[int, str, str]]
    reports: list[dict]

    def of(self, process: str) -> list[dict]:
        """Reports of fronts, or of all others."""
        return [report for report in self.reports if report["process"] == process]


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """Gives the outcome of an agent and an arrangement."""

    @cache
    def run(agent: str, name: str) -> Outcome:
        directory = tmp_path_factory.mktemp(f"{agent}-{name.replace(' ', '-')}")
        arrangement = Arrangement(name, agent, directory)
        try:
            arrangement.start()
            answers = arrangement.answers()
        finally:
            arrangement.stop()
        return Outcome(answers, arrangement.reports())

    return run


@pytest.fixture(params=AGENTS)
def agent(request):
    return request.param
