"""Chooses the queue of a request."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from ..asgi_types import Scope

logger = logging.getLogger("queueproxy.front")

Route = Callable[[Scope], str]  # the name of a queue, empty where no rule fits


def default_queue(queues: Sequence[str]) -> str:
    """Choose where requests go that no rule names: ``default`` if there is one, else the middle."""
    return "default" if "default" in queues else queues[len(queues) // 2]


Lane = tuple[str, Callable[[Scope], bool]]  # a queue, and whether a request belongs to it


class Router:
    """Chooses the queue of a request, from its ASGI scope: call it.

    Of rules the first that fits wins: ``path`` is matched from the start of the decoded path,
    ``methods`` lists methods, ``headers`` maps names to patterns searched in the value. A function
    may name no queue by returning None; one that fails or names an unknown one loses nothing: it
    is logged once. Where the rules name none, the queue is the one that the view's policy says, or
    else the default one.

    Args:
        routes: the setting ``ROUTES``.
        queues: the setting ``QUEUES``.
        ops: the operators' lane, looked at before any rule; None for none.
    """

    def __init__(
        self,
        routes: Sequence[Mapping[str, Any]] | str,
        queues: Sequence[str],
        *,
        ops: Lane | None = None,
    ):
        self._queues = frozenset(queues)
        self._lane, self.is_in_lane = ops or ("", lambda scope: False)
        self.by_rules: Route = (
            _by_function(routes, self._queues)
            if isinstance(routes, str)
            else _by_rules([_rule(rule) for rule in routes])
        )
        self.fallback = default_queue(queues)

    def __call__(self, scope: Scope, said: str = "") -> str:
        """Return the name of a queue.

        Args:
            said: the queue that the view's policy names; empty for none.
        """
        if self.is_in_lane(scope):
            return self._lane
        return self.by_rules(scope) or (said if said in self._queues else self.fallback)


def _by_rules(rules: list[tuple[Callable[[Scope], bool], str]]) -> Route:
    def route(scope: Scope) -> str:
        return next((queue for fits, queue in rules if fits(scope)), "")

    return route


def _rule(rule: Mapping[str, Any]) -> tuple[Callable[[Scope], bool], str]:
    path = re.compile(rule.get("path", "")).match
    methods = frozenset(method.upper() for method in rule.get("methods", ()))
    headers = {
        name.lower().encode("latin-1"): re.compile(pattern.encode("latin-1")).search
        for name, pattern in rule.get("headers", {}).items()
    }

    def fits(scope: Scope) -> bool:
        if methods and scope["method"] not in methods:
            return False
        if not path(scope["path"]):
            return False
        return not headers or _headers_fit(scope["headers"], headers)

    return fits, rule["queue"]


def _headers_fit(
    present: Sequence[tuple[bytes, bytes]], wanted: Mapping[bytes, Callable[[bytes], object]]
) -> bool:
    return all(
        any(name == header and found(value) for header, value in present)
        for name, found in wanted.items()
    )


def _by_function(dotted: str, queues: frozenset[str]) -> Route:
    complaints: set[str] = set()

    def complain(kind: str, *args: object) -> None:
        if kind not in complaints:
            complaints.add(kind)
            logger.error(kind, *args)

    def route(scope: Scope) -> str:
        try:
            queue = _load(dotted)(scope)
            known = queue in queues  # here, for what can't be hashed fails too
        except Exception as error:
            complain("ROUTES function %s failed: %r. It counts as no rule.", dotted, error)
            return ""
        if known:
            return queue
        if queue is not None:
            complain("ROUTES function %s named no queue: %r.", dotted, queue)
        return ""

    return route


@cache
def _load(dotted: str) -> Route:
    module, _, name = dotted.rpartition(".")
    function: Route = getattr(import_module(module), name)
    return function
