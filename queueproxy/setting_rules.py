"""Checks each setting's value, key by key; what must hold between them is in `conf`.

A rule answers with the words for what the value must be where it is not, else with None.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from .durations import in_seconds
from .http_syntax import SAFE_METHODS
from .policy import LONGEST_HOLD, policy_of
from .route_table import OPS_QUEUE

MIB = 1024 * 1024
OPT_IN_METHODS = ("PUT", "DELETE")
LOOPBACK = ("127.0.0.0/8", "::1")
# Of a request in the broker, in bytes. Its head is JSON, which takes up to twice what the client
# sent: 64 KiB at most (servers.common.limits).
HEAD_ROOM = 128 * 1024
SMALLEST_REQUEST = 256

Rule = Callable[[Any], str | None]


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "a non-empty string"


def _namespace(value: Any) -> str | None:
    good = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)
    return None if good else "1 to 64 letters, digits, '_', '.' or '-'"


def _queues(value: Any) -> str | None:
    good = (
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(n, str) and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", n) for n in value)
        and len(set(value)) == len(value)
        and OPS_QUEUE not in value
    )
    names = "different names (lower-case letters, digits, '_', '-'; at most 40)"
    return None if good else f"a list of {names}, and not {OPS_QUEUE!r}, which is reserved"


def _is_number(value: Any, least: float, most: float) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and least <= value <= most  # NaN is neither


def _seconds(value: Any) -> str | None:
    good = _is_number(value, 0.1, 86_400)
    return None if good else "a number of seconds, 0.1 to 86400, or a text such as '5m'"


# Longer than a request may be held by far, so that none is started when its row may be gone.
SHORTEST_KEEPING = 2 * LONGEST_HOLD
LONGEST_KEEPING = 366 * 86_400


def _keeping(value: Any) -> str | None:
    good = _is_number(value, SHORTEST_KEEPING, LONGEST_KEEPING)
    return None if good else f"a number of seconds, {SHORTEST_KEEPING:g} to {LONGEST_KEEPING:g}"


def _view_timeout(value: Any) -> str | None:
    if value is None or (_seconds(value) is None and value >= 1):
        return None
    return "a number of seconds, 1 to 86400, or None for no limit"


SHORTEST_TARGET_WAIT = 0.01  # seconds


def _target_wait(value: Any) -> str | None:
    good = _is_number(value, SHORTEST_TARGET_WAIT, 3600)
    return None if good else "a number of seconds, 0.01 to 3600, or a text such as '100ms'"


def _scale_down_after(value: Any) -> str | None:
    if _seconds(value) is None and value >= 1:
        return None
    return "a number of seconds, 1 to 86400, or a text such as '5m'"


def _stream_grace(value: Any) -> str | None:
    if value == 0 and not isinstance(value, bool):
        return None
    return None if _seconds(value) is None else "a number of seconds, 0.1 to 86400, or 0"


def _count(most: int, least: int = 1) -> Rule:
    def rule(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if good else f"a whole number, {least} to {most}"

    return rule


def _methods(value: Any) -> str | None:
    allowed = SAFE_METHODS + OPT_IN_METHODS
    if isinstance(value, (list, tuple, set, frozenset)) and all(m in allowed for m in value):
        return None
    return (
        f"a list out of {', '.join(allowed)}; what else may change something each time it runs, "
        "and is never run again"
    )


def _routes(value: Any) -> str | None:
    if isinstance(value, str):
        good = all(part.isidentifier() for part in value.split(".")) and "." in value
        return None if good else "a list of rules or a dotted path to a function"
    if not isinstance(value, (list, tuple)):
        return "a list of rules or a dotted path to a function"
    return next(filter(None, map(_route, value)), None)


def _route(rule: Any) -> str | None:
    known = {"path", "methods", "headers", "queue"}
    if not isinstance(rule, Mapping) or not isinstance(rule.get("queue"), str):
        return "a list of dicts, each with a 'queue'"
    if set(rule) - known:
        return f"made of dicts with the keys {', '.join(sorted(known))}"
    methods = rule.get("methods", [])
    if not isinstance(methods, (list, tuple)) or not all(isinstance(m, str) for m in methods):
        return "made of dicts whose 'methods' are lists of method names"
    headers = rule.get("headers", {})
    if not isinstance(headers, Mapping) or not all(map(_is_latin_1, [*headers, *headers.values()])):
        return "made of dicts whose 'headers' are dicts of names and patterns, both Latin-1 text"
    for pattern in (rule.get("path", ""), *headers.values()):
        if not _is_pattern(pattern):
            return f"made of valid regular expressions; {pattern!r} is none"
    return None


def _is_latin_1(value: Any) -> bool:
    return isinstance(value, str) and all(ord(character) < 256 for character in value)


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _policies(value: Any) -> str | None:
    wanted = "a dict of policies by the name of a view"
    if not isinstance(value, Mapping):
        return wanted
    for name, keys in value.items():
        if not isinstance(name, str) or not isinstance(keys, Mapping):
            return wanted
        for mistake in policy_of(keys).mistakes:
            return f"{wanted}; in that of {name!r} {mistake}"
    return None


def _proxies(value: Any) -> str | None:
    wanted = "a list of IP addresses, networks or 'unix:'"
    if not isinstance(value, (list, tuple)):
        return wanted
    for network in value:
        if not isinstance(network, str):
            return wanted
        try:
            if network != "unix:":
                ipaddress.ip_network(network)
        except ValueError as error:
            return f"{wanted} ({error})"
    return None


def _directory(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and os.path.isabs(value)):
        return None
    return "the absolute path of a directory, or None for the system's place for temporary files"


def _run_directory(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and os.path.isabs(value)):
        return None
    return "the absolute path of a directory, or None for var/queueproxy below BASE_DIR"


def _pages_directory(value: Any) -> str | None:
    if value is None or (isinstance(value, (str, os.PathLike)) and os.path.isabs(value)):
        return None
    return "the absolute path of a directory, or None for the pages that are built in"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "True or False"


def _endpoints(value: Any) -> str | None:
    good = isinstance(value, str) and re.fullmatch(r"/(?:[A-Za-z0-9_.~-]+/)+", value)
    if value is None or good:
        return None
    return "a path of letters, digits and '._~-' between slashes, or None for no endpoints"


def plain(name: str, value: Any) -> Any:
    """Return a setting as it is used: a length of time that is written as text as seconds."""
    return in_seconds(value) if name in TIMES else value


TIMES = (
    *("MAX_HOLD", "VIEW_TIMEOUT", "STREAM_GRACE", "LEASE", "KEEP_EXECUTIONS"),
    *("TARGET_WAIT", "SCALE_DOWN_AFTER"),
)

RULES: dict[str, Rule] = {
    "CACHE_ALIAS": _text,
    "NAMESPACE": _namespace,
    "QUEUES": _queues,
    "ROUTES": _routes,
    "MAX_HOLD": _seconds,
    "MAX_DEPTH": _count(10_000_000),
    "MAX_BODY": _count(4096 * MIB),
    "MAX_MEMORY": _count(1024 * 1024 * MIB),
    "FRONT_MEMORY": _count(1024 * 1024 * MIB, least=4 * MIB),
    "FRONT_SPOOL": _count(1024 * 1024 * MIB, least=0),
    "FRONT_SPOOL_DIR": _directory,
    "VIEW_TIMEOUT": _view_timeout,
    "STREAM_GRACE": _stream_grace,
    "LEASE": _seconds,
    "MAX_ATTEMPTS": _count(100),
    "RETRY_METHODS": _methods,
    "TRUSTED_PROXIES": _proxies,
    "SIGNING": _flag,
    "ENDPOINTS": _endpoints,
    "ERROR_PAGES": _pages_directory,
    "MONITORING": _proxies,
    "SERVER_TIMING": _flag,
    "SHARED_DATABASE": _flag,
    "POLICIES": _policies,
    "KEEP_EXECUTIONS": _keeping,
    "KEEP_ANSWERED": _count(50_000, least=0),
    "RUN_DIR": _run_directory,
    "RELEASES": _flag,
    "TARGET_WAIT": _target_wait,
    "SCALE_DOWN_AFTER": _scale_down_after,
}
