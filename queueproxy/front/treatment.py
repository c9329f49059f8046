"""Decides how a request is treated: settings, and what its view says."""

from typing import NamedTuple

from ..asgi_types import Scope
from ..http_syntax import SAFE_METHODS
from ..policy import LONGEST_HOLD
from ..policy_table import RoutePolicy
from .consumer_options import ConsumerOptions

# How often a request is started, or sent, whose effects happen once in any case: as workers and
# brokers are lost, until its deadline; the limit is for what kills whoever runs it.
FENCED_ATTEMPTS = 10


class Treatment(NamedTuple):
    """How a request is treated.

    Args:
        queue: that it waits in.
        max_hold: seconds that its client is held for at most.
        max_attempts: how often it is started at most.
        group, at_most: how many of the group run at the same time; empty and 0 for no limit.
        fenced: alias of the database in which its effects are to happen once, however often it is
            started; empty for none.
    """

    queue: str
    max_hold: float
    max_attempts: int
    group: str
    at_most: int
    fenced: str


def treatment(scope: Scope, options: ConsumerOptions) -> Treatment:
    """Decide how a request is treated.

    Args:
        scope: of the ASGI server, admitted.
    """
    policy = options.policy(scope)
    repeat = _may_repeat(scope, options, policy)
    # What may be repeated by its method needs no fence.
    fenced = "" if scope["method"] in SAFE_METHODS else policy.exactly_once
    named = 0 < policy.max_hold <= LONGEST_HOLD
    return Treatment(
        queue=options.route(scope, policy.queue),
        max_hold=policy.max_hold if named else options.max_hold,
        max_attempts=FENCED_ATTEMPTS if fenced else options.max_attempts if repeat else 1,
        group=policy.group if policy.at_most > 0 else "",
        at_most=max(policy.at_most, 0),
        fenced=fenced,
    )


def may_be_sent_again(scope: Scope, options: ConsumerOptions) -> bool:
    """Whether a client may send a request once more though it may have been executed.

    That is where it may be executed twice, by its method or its view's policy, or where its effects
    happen once in any case, as a client's own key says that it is the same request.
    """
    policy = options.policy(scope)
    if policy.exactly_once and scope["method"] not in SAFE_METHODS:
        return any(name == b"idempotency-key" for name, _ in scope["headers"])
    return _may_repeat(scope, options, policy)


def _may_repeat(scope: Scope, options: ConsumerOptions, policy: RoutePolicy) -> bool:
    return scope["method"] in options.retry_methods if policy.repeat is None else policy.repeat
