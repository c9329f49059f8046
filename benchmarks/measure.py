"""One run: a fresh candidate, warmed up, under one load."""

import time
from dataclasses import dataclass, field

from .broker import BenchBroker, direct_shares, heard, sent_by_clients
from .candidates import Candidate
from .deployment import Data, Deployment
from .loads import Load
from .wrk import Seen

WARM_UP = 2.0  # seconds
LISTEN = 0.3  # seconds of the warm-up in which the broker's traffic is watched
REST = 10.0  # seconds without a request, for the commands sent at rest


@dataclass(frozen=True)
class Run:
    """What one run gave. CPU in seconds per 1,000 requests, memory in bytes, both by role."""

    candidate: str
    load: str
    round: int
    seen: Seen
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    commands_per_request: float | None = None
    commands_at_rest: float | None = None


def measure(
    candidate: Candidate, load: Load, data: Data, number: int, seconds: float, *, rest: bool = False
) -> Run:
    """Start it, warm it up, load it, end it.

    Args:
        number: of the round.
        seconds: of the load.
        rest: also count what is sent to the broker while nothing happens (REST seconds more).
    """
    with Deployment(candidate, load.settings, data) as deployment:
        deployment.probe(load)
        shares = _warm_up(deployment, load)
        # A server without a queue still runs what the clients of the warm-up have left behind.
        deployment.probe(load)
        calls = deployment.broker.calls() if deployment.broker else {}
        cpu = deployment.cpu()
        seen, memory = _under_load(deployment, load, seconds)
        cpu_after = deployment.cpu()
        thousands = max(seen.requests, 1) / 1000
        commands = at_rest = None
        if deployment.broker:
            if shares:
                sent = sent_by_clients(calls, deployment.broker.calls(), shares)
                commands = sent / max(seen.requests, 1)
            at_rest = _at_rest(deployment.broker) if rest else None
        return Run(
            candidate=candidate.name,
            load=load.name,
            round=number,
            seen=seen,
            cpu={role: (cpu_after[role] - used) / thousands for role, used in cpu.items()},
            memory=memory,
            commands_per_request=commands,
            commands_at_rest=at_rest,
        )


def _warm_up(deployment: Deployment, load: Load) -> dict[str, float]:
    """The shares of commands that clients send; none where bodies are too large to listen to."""
    shot = deployment.shot(load, WARM_UP)
    process = shot.start()
    shares = {}
    if deployment.broker and not load.body:
        time.sleep(WARM_UP / 2)
        shares = direct_shares(deployment.broker.listen_in(LISTEN))
    shot.finish(process)
    return shares


def _under_load(deployment: Deployment, load: Load, seconds: float) -> tuple[Seen, dict[str, int]]:
    shot = deployment.shot(load, seconds)
    process = shot.start()
    time.sleep(seconds / 2)
    memory = deployment.memory()
    return shot.finish(process), memory


def _at_rest(broker: BenchBroker) -> float:
    """Commands a second that clients send while no request comes."""
    time.sleep(1.0)  # the statistics of the last requests go out
    traffic = broker.listen_in(REST)
    return sum(by_client for _, by_client in heard(traffic)) / REST
