"""The settings, as one typed object: read lazily, checked, and safe under ``override_settings``.

Checks (`queueproxy.checks`) and use share `problems_of`, so that they never disagree.
"""

import dataclasses
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from . import cache_aliases
from .broker.handle import Broker
from .broker.link.connect import BrokerAddress, flaw_of
from .http_syntax import SAFE_METHODS
from .policy import Policy, policy_of
from .route_table import OPS_QUEUE
from .setting_problems import Problem, problems_between
from .setting_rules import LOOPBACK, MIB, RULES, plain

BROKER_URL_VARIABLE = "QUEUEPROXY_BROKER_URL"
EMBEDDED_URL_VARIABLE = "QUEUEPROXY_EMBEDDED_URL"  # of the private server, for all its processes
AT_A_BREAKPOINT = 3600  # seconds that somebody may stand there, and clients and code wait
QUEUE_ALIAS = "queueproxy"  # the cache whose database is the queue's, where CACHES has it


@dataclass(frozen=True)
class Settings:
    """``settings.QUEUEPROXY`` with its defaults. Times in seconds, sizes in bytes.

    In the dict itself times may also be written as text: ``"5m"``.
    """

    cache_alias: str = "default"
    namespace: str = "queueproxy"
    queues: Sequence[str] = ("high", "default", "low")
    routes: Sequence[Mapping[str, Any]] | str = ()
    max_hold: float = 60
    max_depth: int = 10_000
    max_body: int = 32 * MIB
    max_memory: int = 256 * MIB
    front_memory: int = 256 * MIB
    front_spool: int = 2048 * MIB
    front_spool_dir: str | None = None
    view_timeout: float | None = None
    stream_grace: float = 5
    lease: float = 15
    max_attempts: int = 2
    retry_methods: Sequence[str] = SAFE_METHODS
    trusted_proxies: Sequence[str] = ()
    signing: bool = True
    endpoints: str | None = "/-/"
    error_pages: str | os.PathLike[str] | None = None
    monitoring: Sequence[str] = LOOPBACK
    server_timing: bool = False
    shared_database: bool = False
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keep_executions: float = 86_400
    keep_answered: int = 5000
    run_dir: str | None = None
    releases: bool = False
    target_wait: float = 0.1
    scale_down_after: float = 300

    @property
    def all_queues(self) -> tuple[str, ...]:
        """Every queue there is, in order: the operators' own, then QUEUES."""
        return (OPS_QUEUE, *self.queues)


KEYS = {one.name.upper(): one for one in dataclasses.fields(Settings)}


def get_settings() -> Settings:
    """Return the settings in force.

    Raises:
        ImproperlyConfigured: naming the key that is wrong.
    """
    return _get_settings(debug=django_settings.DEBUG)  # which a test runner sets without a word


@cache
def _get_settings(*, debug: bool) -> Settings:
    raw = getattr(django_settings, "QUEUEPROXY", {})
    for problem in problems_of(raw):
        if not problem.is_warning:
            raise ImproperlyConfigured(f"{problem.message} {problem.hint}")
    values = {name.lower(): plain(name, value) for name, value in raw.items()}
    values.setdefault("server_timing", debug)
    if debug:  # somebody may stand at a breakpoint
        values.setdefault("max_hold", AT_A_BREAKPOINT)
        values["view_timeout"] = None
    if QUEUE_ALIAS in django_settings.CACHES:
        values.setdefault("cache_alias", QUEUE_ALIAS)
    return Settings(**values)


def problems() -> Iterator[Problem]:
    """Everything wrong with the settings in force, and with the cache alias they name."""
    found = list(problems_of(getattr(django_settings, "QUEUEPROXY", {})))
    yield from found
    if all(problem.is_warning for problem in found):
        settings = get_settings()
        problem = problem_of_alias(settings.cache_alias)
        yield from [problem] if problem else problems_of_sharing(settings)
        yield from _problems_of_secrets()


def _problems_of_secrets() -> Iterator[Problem]:
    try:
        signing_secrets()
    except ImproperlyConfigured as error:  # Django's, as the setting is read
        yield Problem(
            "E018",
            f"QUEUEPROXY: SIGNING is on, and there is nothing to sign with: {error}",
            "Set SECRET_KEY, the same for fronts and workers.",
        )


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
    good = {name.lower(): plain(name, value) for name, value in raw.items() if name not in wrong}
    yield from problems_between(Settings(**good), known_queues="QUEUES" not in wrong)


def _problem_of_key(name: str, value: Any) -> Problem | None:
    if name not in KEYS:
        close = difflib.get_close_matches(str(name), KEYS, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(KEYS)}."
        return Problem("E002", f"QUEUEPROXY[{name!r}] is not a known key.", hint)
    wanted = RULES[name](plain(name, value))
    if wanted is None:
        return None
    return Problem("E003", f"QUEUEPROXY[{name!r}] is wrong: {value!r}.", f"It must be {wanted}.")


def policies_by_name() -> dict[str, Policy]:
    """Return POLICIES, by the name of a view."""
    return {name: policy_of(keys) for name, keys in get_settings().policies.items()}


# What the broker needs.


def signing_secrets() -> tuple[str | bytes, ...]:
    """Secrets to sign with, the current one first; none where signing is off."""
    if not get_settings().signing:
        return ()
    return (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)


def broker() -> Broker:
    """Return the broker: the server of the cache alias, unless the environment names another.

    Raises:
        ImproperlyConfigured: the alias is missing, not django-redis, or no server's address.
    """
    settings = get_settings()
    alias = settings.cache_alias
    problem = problem_of_alias(alias)
    if problem:
        raise ImproperlyConfigured(f"{problem.message} {problem.hint}")
    return Broker(_address(alias), settings.namespace, settings.lease, settings.max_memory)


def _address(alias: str) -> BrokerAddress:
    url = os.environ.get(BROKER_URL_VARIABLE)
    if url:
        return BrokerAddress(url)
    config: Mapping[str, Any] = django_settings.CACHES[alias]
    location = config["LOCATION"]
    options = config.get("OPTIONS", {})
    first = location if isinstance(location, str) else location[0]
    return BrokerAddress(
        url=first.split(",")[0].strip(),
        options=_connection_options(options),
        sentinels=tuple(options.get("SENTINELS", ())),
        sentinel_options=options.get("SENTINEL_KWARGS") or {},
    )


def problem_of_alias(alias: str) -> Problem | None:
    """Say what is wrong with the cache alias that is to carry the queue; tell no password."""
    if os.environ.get(BROKER_URL_VARIABLE):
        where = f"The environment variable {BROKER_URL_VARIABLE}"
    else:
        problem = _problem_of_cache(alias)
        if problem:
            return problem
        where = f"The LOCATION or OPTIONS of the cache {alias!r}"
    flaw = flaw_of(_address(alias))
    if flaw is None:
        return None
    return Problem(
        "E008",
        f"{where} can't be used to connect: {flaw}",
        "Write redis://[user:password@]host:port/number, with rediss:// for TLS, or unix://path; "
        "percent-encode '/', '#', '?' and '@' in a password.",
    )


def problems_of_sharing(settings: Settings) -> Iterator[Problem]:
    """List the caches whose ``clear()`` would delete the queue, unless SHARED_DATABASE says it is
    known.

    To be asked where the alias itself has no problem.
    """
    if settings.shared_database:
        return
    alias = settings.cache_alias
    elsewhere = bool(os.environ.get(BROKER_URL_VARIABLE))
    is_its_own = alias != Settings.cache_alias or not elsewhere
    shared = cache_aliases.aliases_sharing(_address(alias), but=alias if is_its_own else "")
    if shared:
        yield Problem(
            "E012",
            f"The queue shares its database with the cache {', '.join(map(repr, shared))}: "
            "cache.clear() there deletes every waiting request, lease and pause.",
            f"Give CACHES[{QUEUE_ALIAS!r}] a database or a server of its own, or set "
            "QUEUEPROXY['SHARED_DATABASE'] = True if nothing ever clears that cache.",
        )
    elif alias != QUEUE_ALIAS and not elsewhere:
        yield Problem(
            "W008",
            f"The queue is kept in the cache {alias!r}: cache.clear() deletes every waiting "
            "request, lease and pause.",
            f"Add CACHES[{QUEUE_ALIAS!r}] with a database or a server of its own, or set "
            "QUEUEPROXY['SHARED_DATABASE'] = True if nothing ever clears that cache.",
        )


def _problem_of_cache(alias: str) -> Problem | None:
    config = django_settings.CACHES.get(alias)
    if config is None:
        return Problem(
            "E007",
            f"QUEUEPROXY['CACHE_ALIAS'] is {alias!r}, which CACHES does not have.",
            "Name a cache of CACHES whose backend is django_redis.cache.RedisCache.",
        )
    if not str(config.get("BACKEND", "")).startswith(cache_aliases.DJANGO_REDIS):
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


def _connection_options(options: Mapping[str, Any]) -> dict[str, Any]:
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


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in ("QUEUEPROXY", "CACHES", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        _get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="queueproxy.conf")
