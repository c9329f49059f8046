"""Options of the consumer of requests, as plain values."""

from collections.abc import Callable
from dataclasses import dataclass

from ..asgi_types import Scope
from ..policy_table import NO_POLICY, RoutePolicy
from .http.cut import MIN_RATE, SETTLED_SLACK, SLACK
from .http.headers import Trusted
from .routing import Router


@dataclass(frozen=True)
class ConsumerOptions:
    """Options of a consumer, as plain values. Times in seconds, sizes in bytes.

    A client has `client_slack` seconds and takes `client_min_rate` bytes a second: see
    ClientPatience. It has `client_slack_settled` once no thread waits for it any more. `policy`
    tells what is said of a request, `route` its queue (see Router).
    """

    max_hold: float
    max_body: int
    max_attempts: int
    retry_methods: frozenset[str]
    trusted_proxies: Trusted
    server_timing: bool
    route: Router
    policy: Callable[[Scope], RoutePolicy] = lambda scope: NO_POLICY
    client_slack: float = SLACK
    client_slack_settled: float = SETTLED_SLACK
    client_min_rate: float = MIN_RATE
