"""The settings, as one typed object: read lazily, checked, and safe under ``override_settings``.

Checks (`queueproxy.checks`) and use share `problems_of`, so that they never disagree.
"""

import dataclasses
import difflib
import ipaddress
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .broker.connect import BrokerTarget

MIB = 1024 * 1024
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
OPT_IN_METHODS = ("PUT", "DELETE")
BROKER_URL_VARIABLE = "QUEUEPROXY_BROKER_URL"


OPS_QUEUE = "ops"  # the operators' own: first in order, and no pause stops it


@dataclass(frozen=True)
class Settings:
    """``settings.QUEUEPROXY`` with its defaults. Times in seconds, sizes in bytes."""

    cache_alias: str = "default"
    namespace: str = "queueproxy"
    queues: Sequence[str] = ("high", "default", "low")
    routes: Sequence[Mapping] | str = ()
    max_hold: float = 60
    max_depth: int = 10_000
    max_body: int = 32 * MIB
    max_memory: int = 256 * MIB
    lease: float = 15
    max_attempts: int = 2
    retry_methods: Sequence[str] = SAFE_METHODS
    trusted_proxies: Sequence[str] = ()
    signing: bool = True
    endpoints: str | None = "/-/"
    server_timing: bool = False

    @property
    def all_queues(self) -> tuple[str, ...]:
        """Every queue there is, in order: the operators' own, then QUEUES."""
        return (OPS_QUEUE, *self.queues)


KEYS = {field.name.upper(): field for field in dataclasses.fields(Settings)}


class Problem(NamedTuple):
    """One thing wrong with the settings."""

    code: str
    message: str
    hint: str


@cache
def get_settings() -> Settings:
    """The settings in force.

    Raises:
        ImproperlyConfigured: naming the key that is wrong.
    """
    raw = getattr(django_settings, "QUEUEPROXY", {})
    for problem in problems_of(raw):
        raise ImproperlyConfigured(f"{problem.message} {problem.hint}")
    values = {name.lower(): value for name, value in raw.items()}
    values.setdefault("server_timing", django_settings.DEBUG)
    return Settings(**values)


def problems_of(raw: Any) -> Iterator[Problem]:
    """Everything wrong with a value of ``settings.QUEUEPROXY``."""
    if not isinstance(raw, Mapping):
        yield Problem("E001", "QUEUEPROXY must be a dict.", "See docs/settings.md.")
        return
    wrong = set()
    for name, value in raw.items():
        problem = _problem_of_key(name, value)
        if problem:
            wrong.add(name)
            yield problem
    good = {name.lower(): value for name, value in raw.items() if name not in wrong}
    yield from _problems_between(Settings(**good))


def _problem_of_key(name: str, value: Any) -> Problem | None:
    if name not in KEYS:
        close = difflib.get_close_matches(str(name), KEYS, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(KEYS)}."
        return Problem("E002", f"QUEUEPROXY[{name!r}] is not a known key.", hint)
    wanted = _RULES[name](value)
    if wanted is None:
        return None
    return Problem("E003", f"QUEUEPROXY[{name!r}] is wrong: {value!r}.", f"It must be {wanted}.")


def _problems_between(settings: Settings) -> Iterator[Problem]:
    if settings.lease > settings.max_hold:
        yield Problem(
            "E004",
            f"QUEUEPROXY: LEASE ({settings.lease} s) is longer than MAX_HOLD "
            f"({settings.max_hold} s).",
            "A lost worker would be found only after its clients were turned away: lower LEASE.",
        )
    if settings.max_body > settings.max_memory:
        yield Problem(
            "E005",
            "QUEUEPROXY: MAX_BODY is larger than MAX_MEMORY.",
            "One body could never be queued: raise MAX_MEMORY or lower MAX_BODY.",
        )
    if not isinstance(settings.routes, str):
        for rule in settings.routes:
            if rule["queue"] not in settings.queues:
                yield Problem(
                    "E006",
                    f"QUEUEPROXY['ROUTES'] names {rule['queue']!r}, which QUEUES does not.",
                    "Add it to QUEUES, or correct the rule.",
                )


# One rule a key: what the value must be where it is not, else None.


def _text(value) -> str | None:
    return None if isinstance(value, str) and value else "a non-empty string"


def _namespace(value) -> str | None:
    good = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)
    return None if good else "1 to 64 letters, digits, '_', '.' or '-'"


def _queues(value) -> str | None:
    good = (
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(n, str) and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", n) for n in value)
        and len(set(value)) == len(value)
        and OPS_QUEUE not in value
    )
    names = "different names (lower-case letters, digits, '_', '-')"
    return None if good else f"a list of {names}, and not {OPS_QUEUE!r}, which is reserved"


def _seconds(value) -> str | None:
    good = _is_number(value) and math.isfinite(value) and 0.1 <= value <= 86_400
    return None if good else "a number of seconds, 0.1 to 86400"


def _count(most: int) -> Callable[[Any], str | None]:
    def rule(value) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
        return None if good else f"a whole number, 1 to {most}"

    return rule


def _methods(value) -> str | None:
    allowed = SAFE_METHODS + OPT_IN_METHODS
    if isinstance(value, (list, tuple, set, frozenset)) and all(m in allowed for m in value):
        return None
    return (
        f"a list out of {', '.join(allowed)}; what else may change something each time it runs, "
        "and is never run again"
    )


def _routes(value) -> str | None:
    if isinstance(value, str):
        return None if "." in value else "a list of rules or a dotted path to a function"
    if not isinstance(value, (list, tuple)):
        return "a list of rules or a dotted path to a function"
    for rule in value:
        problem = _route(rule)
        if problem:
            return problem
    return None


def _route(rule) -> str | None:
    known = {"path", "methods", "headers", "queue"}
    if not isinstance(rule, Mapping) or not isinstance(rule.get("queue"), str):
        return "a list of dicts, each with a 'queue'"
    if set(rule) - known:
        return f"made of dicts with the keys {', '.join(sorted(known))}"
    patterns = [rule.get("path", ""), *dict(rule.get("headers", {})).values()]
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError):
            return f"made of valid regular expressions; {pattern!r} is none"
    methods = rule.get("methods", [])
    if not isinstance(methods, (list, tuple)) or not all(isinstance(m, str) for m in methods):
        return "made of dicts whose 'methods' are lists of method names"
    return None


def _proxies(value) -> str | None:
    wanted = "a list of IP addresses or networks"
    if not isinstance(value, (list, tuple)):
        return wanted
    try:
        for network in value:
            ipaddress.ip_network(network)
    except (ValueError, TypeError):
        return wanted
    return None


def _flag(value) -> str | None:
    return None if isinstance(value, bool) else "True or False"


def _endpoints(value) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch(r"/(?:[\w.~-]+/)+", value)):
        return None
    return "a path that begins and ends with '/', or None for no endpoints"


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_RULES: dict[str, Callable[[Any], str | None]] = {
    "CACHE_ALIAS": _text,
    "NAMESPACE": _namespace,
    "QUEUES": _queues,
    "ROUTES": _routes,
    "MAX_HOLD": _seconds,
    "MAX_DEPTH": _count(10_000_000),
    "MAX_BODY": _count(4096 * MIB),
    "MAX_MEMORY": _count(1024 * 1024 * MIB),
    "LEASE": _seconds,
    "MAX_ATTEMPTS": _count(100),
    "RETRY_METHODS": _methods,
    "TRUSTED_PROXIES": _proxies,
    "SIGNING": _flag,
    "ENDPOINTS": _endpoints,
    "SERVER_TIMING": _flag,
}


def is_ops_path(path: str) -> bool:
    """Whether a path is the dashboard's: its pages, its data, and the files they need."""
    if "/queueproxy/" in path:
        return True
    static = django_settings.STATIC_URL
    return bool(static) and path.startswith(f"{static}admin/")


# What the broker needs.


def signing_secrets() -> tuple[str, ...]:
    """Secrets to sign with, the current one first; none where signing is off."""
    if not get_settings().signing:
        return ()
    return (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)


def broker_target() -> BrokerTarget:
    """Where the broker is: the server of the cache alias, unless the environment names another.

    Raises:
        ImproperlyConfigured: the alias is missing or not django-redis.
    """
    problem = problem_of_alias(get_settings().cache_alias)
    if problem:
        raise ImproperlyConfigured(f"{problem.message} {problem.hint}")
    url = os.environ.get(BROKER_URL_VARIABLE)
    if url:
        return BrokerTarget(url)
    config = django_settings.CACHES[get_settings().cache_alias]
    location = config["LOCATION"]
    options = config.get("OPTIONS", {})
    first = location if isinstance(location, str) else location[0]
    return BrokerTarget(
        url=first.split(",")[0].strip(),
        options=_connection_options(options),
        sentinels=tuple(options.get("SENTINELS", ())),
        sentinel_options=options.get("SENTINEL_KWARGS") or {},
    )


def problem_of_alias(alias: str) -> Problem | None:
    """What is wrong with the cache alias that is to carry the queue."""
    if os.environ.get(BROKER_URL_VARIABLE):
        return None
    config = django_settings.CACHES.get(alias)
    if config is None:
        return Problem(
            "E007",
            f"QUEUEPROXY['CACHE_ALIAS'] is {alias!r}, which CACHES does not have.",
            "Name a cache of CACHES whose backend is django_redis.cache.RedisCache.",
        )
    if not str(config.get("BACKEND", "")).startswith("django_redis."):
        return Problem(
            "E008",
            f"The cache {alias!r} is not a django-redis cache.",
            "Its BACKEND must be 'django_redis.cache.RedisCache': its server carries the queue.",
        )
    if not config.get("LOCATION"):
        return Problem(
            "E008",
            f"The cache {alias!r} has no LOCATION.",
            "Give the server's address, such as redis://127.0.0.1:6379/0.",
        )
    return None


def _connection_options(options: Mapping) -> dict[str, Any]:
    # django-redis keeps pools by URL alone and ignores these for all aliases but the first; here
    # each alias has its own.
    kwargs = dict(options.get("CONNECTION_POOL_KWARGS") or {})
    for ignored in ("max_connections", "timeout", "retry", "retry_on_timeout", "retry_on_error"):
        kwargs.pop(ignored, None)
    kwargs.pop("socket_timeout", None)
    named = {
        "username": options.get("USERNAME"),
        "password": options.get("PASSWORD"),
        "socket_connect_timeout": options.get("SOCKET_CONNECT_TIMEOUT"),
    }
    return {**kwargs, **{key: value for key, value in named.items() if value}}


def _forget(*, setting: str, **kwargs) -> None:
    if setting in ("QUEUEPROXY", "DEBUG", "CACHES", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="queueproxy.conf")
