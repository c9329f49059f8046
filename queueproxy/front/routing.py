"""Chooses the queue of a request."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module

logger = logging.getLogger("queueproxy.front")

Route = Callable[[dict], str]


def default_queue(queues: Sequence[str]) -> str:
    """Choose where requests go that no rule names: ``default`` if there is one, else the middle."""
    return "default" if "default" in queues else queues[len(queues) // 2]


Lane = tuple[str, Callable[[dict], bool]]  # a queue, and whether a request belongs to it


def compile_routes(
    routes: Sequence[Mapping] | str, queues: Sequence[str], *, ops: Lane | None = None
) -> Route:
    """Compile the rules to a function from an ASGI scope to the name of a queue.

    Of rules the first that fits wins: ``path`` is matched from the start of the decoded path,
    ``methods`` lists methods, ``headers`` maps names to patterns searched in the value. A function
    that fails or names no queue loses nothing: the default queue is used, and it is logged once.

    Args:
        ops: the operators' lane, looked at before any rule; None for none.
    """
    fallback = default_queue(queues)
    if isinstance(routes, str):
        by_rules = _by_function(routes, frozenset(queues), fallback)
    else:
        by_rules = _by_rules([_rule(rule) for rule in routes], fallback)

    if ops is None:
        return by_rules
    lane, belongs = ops

    def route(scope: dict) -> str:
        return lane if belongs(scope) else by_rules(scope)

    return route


def _by_rules(rules: list[tuple[Route, str]], fallback: str) -> Route:
    def route(scope: dict) -> str:
        for fits, queue in rules:
            if fits(scope):
                return queue
        return fallback

    return route


def _rule(rule: Mapping) -> tuple[Callable[[dict], bool], str]:
    path = re.compile(rule.get("path", "")).match
    methods = frozenset(method.upper() for method in rule.get("methods", ()))
    headers = {
        name.lower().encode("latin-1"): re.compile(pattern.encode("latin-1")).search
        for name, pattern in rule.get("headers", {}).items()
    }

    def fits(scope: dict) -> bool:
        if methods and scope["method"] not in methods:
            return False
        if not path(scope["path"]):
            return False
        return not headers or _headers_fit(scope["headers"], headers)

    return fits, rule["queue"]


def _headers_fit(present: Sequence[tuple[bytes, bytes]], wanted: Mapping) -> bool:
    return all(
        any(name == header and found(value) for header, value in present)
        for name, found in wanted.items()
    )


def _by_function(dotted: str, queues: frozenset[str], fallback: str) -> Route:
    complaints: set[str] = set()

    def complain(kind: str, *args) -> None:
        if kind not in complaints:
            complaints.add(kind)
            logger.error(kind, *args)

    def route(scope: dict) -> str:
        try:
            queue = _load(dotted)(scope)
            known = queue in queues  # here, for what can't be hashed fails too
        except Exception as error:
            complain("ROUTES function %s failed: %r. The default queue is used.", dotted, error)
            return fallback
        if not known:
            complain("ROUTES function %s named no queue: %r.", dotted, queue)
            return fallback
        return queue

    return route


@cache
def _load(dotted: str) -> Route:
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
