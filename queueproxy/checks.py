"""System checks: finds everything that can be known to be wrong before the first request."""

import os
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.utils.module_loading import import_string

from . import conf
from .broker.link.connect import server_info
from .exceptions import BrokerUnavailable
from .front.http.headers import Trusted, parse_networks
from .setting_problems import Problem
from .setting_rules import MIB
from .static_files_problems import problems_of_static_files

OLDEST_SERVER = (7, 0)
# What a server takes beside the requests: itself, history and clients' buffers; and a quarter of
# the requests for the blocks they lie in.
BROKER_ITSELF = 16 * MIB  # bytes
TAG = "queueproxy"
IN_MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
WITHOUT_FRONT = ("django.core", "django.contrib.staticfiles")  # their runserver is a WSGI server
FORWARDED_ALLOW_IPS = "FORWARDED_ALLOW_IPS"  # variable that uvicorn and gunicorn read


@checks.register(TAG)
def check_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Check the dict, key by key and between keys; the cache alias; signing."""
    found = list(conf.problems())
    messages = [_message(problem) for problem in found]
    if all(problem.is_warning for problem in found):
        messages += [_message(problem) for problem in _warnings()]
    return messages


@checks.register(TAG, deploy=True)
def check_server(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Check the server that carries the queue; with ``check --deploy`` only."""
    try:
        info = server_info(conf.broker().address)
    except ImproperlyConfigured:
        return []  # check_settings tells
    except BrokerUnavailable as error:
        hint = "Start it, or correct the cache's LOCATION."
        return [checks.Warning(f"The broker can't be reached: {error}", hint, id=f"{TAG}.W003")]
    return [_message(problem) for problem in problems_of_server(info)]


@checks.register(TAG, deploy=True)
def check_routes_function(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Import the function that ROUTES names; with ``--deploy`` only, for no front starts by it."""
    try:
        routes = conf.get_settings().routes
    except ImproperlyConfigured:
        return []  # check_settings tells
    if not isinstance(routes, str):
        return []
    try:
        found = import_string(routes)
    except Exception as error:  # whatever the module does when it is imported
        reason = f"can't be imported: {error!r}"
    else:
        if callable(found):
            return []
        reason = "is not a function"
    hint = "Until it works every request goes to the default queue."
    return [checks.Error(f"QUEUEPROXY['ROUTES'] ({routes}) {reason}.", hint, id=f"{TAG}.E011")]


@checks.register(TAG, deploy=True)
def check_static_files(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Check that static files can be served with DEBUG off; with ``check --deploy`` only."""
    return [_message(problem) for problem in problems_of_static_files()]


def problems_of_server(info: Mapping[str, Any]) -> Iterator[Problem]:
    """List what makes a server unfit to carry the queue (E...) or doubtful (W...), by its INFO."""
    yield from _unfit(info)
    yield from _doubtful(info)


def _unfit(info: Mapping[str, Any]) -> Iterator[Problem]:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Problem(
            "E009",
            f"The broker evicts keys when it is full (maxmemory-policy {policy}).",
            "It would lose requests: set maxmemory-policy noeviction, or use a server of its own.",
        )
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    if version and _parts(version) < OLDEST_SERVER:
        yield Problem(
            "E010",
            f"The broker is version {version}; at least 7.0 is needed.",
            "Use Redis 7.0 or newer, or Valkey.",
        )


def _doubtful(info: Mapping[str, Any]) -> Iterator[Problem]:
    if info.get("role") == "slave":
        yield Problem(
            "W004",
            "The broker is a replica, which takes no requests.",
            "Point the cache's LOCATION at the primary, or use Sentinel.",
        )
    most, allowed = int(info.get("maxmemory", 0)), conf.get_settings().max_memory
    needed = allowed + allowed // 4 + BROKER_ITSELF
    if 0 < most < needed:
        yield Problem(
            "W005",
            f"The broker's maxmemory ({most} bytes) leaves no room beyond QUEUEPROXY['MAX_MEMORY'] "
            f"({allowed} bytes, which take up to {needed}).",
            "Once it is full no answer can be written: lower MAX_MEMORY or raise maxmemory.",
        )


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _layers_in_memory() -> list[str]:
    layers = getattr(settings, "CHANNEL_LAYERS", {}).items()
    return [repr(alias) for alias, layer in layers if layer.get("BACKEND") == IN_MEMORY_LAYER]


def _warnings() -> Iterator[Problem]:
    if not getattr(settings, "ASGI_APPLICATION", None):
        yield Problem(
            "W001",
            "ASGI_APPLICATION is not set.",
            "Point it at an application that uses queueproxy.asgi; runserver needs it.",
        )
    if (theirs := get_commands().get("runserver")) in WITHOUT_FRONT:
        yield Problem(
            "W014",
            f"runserver is that of {theirs}, which serves the site without the queue.",
            'Put "queueproxy" above it in INSTALLED_APPS.',
        )
    if layers := _layers_in_memory():
        yield Problem(
            "W011",
            f"The channel layer {', '.join(layers)} is kept in the memory of one process: what "
            "a worker sends never reaches the websockets, which are in the front.",
            "Use channels_redis.core.RedisChannelLayer; it may be on the queue's server.",
        )
    if believed := _believed_by_server(os.environ.get(FORWARDED_ALLOW_IPS, "")):
        yield Problem(
            "W009",
            f"{FORWARDED_ALLOW_IPS} names {', '.join(believed)}, which "
            "QUEUEPROXY['TRUSTED_PROXIES'] does not.",
            "What an ASGI server believes by itself does not count: add it to TRUSTED_PROXIES.",
        )
    if conf.get_settings().signing and len(settings.SECRET_KEY) < 32:
        yield Problem(
            "W002",
            "SECRET_KEY is short, and requests on the queue are signed with it.",
            "Use at least 32 random characters.",
        )


def _believed_by_server(listed: str) -> list[str]:
    """Of addresses and networks separated by commas, those that no trusted proxy covers."""
    trusted = parse_networks(conf.get_settings().trusted_proxies)
    return [
        name
        for name in filter(None, map(str.strip, listed.split(",")))
        if not _covered(name, trusted)
    ]


def _covered(name: str, trusted: Trusted) -> bool:
    try:
        (network,) = parse_networks([name])
    except ValueError:  # "*", or a name
        return False
    if isinstance(network, IPv4Network):
        return any(isinstance(one, IPv4Network) and network.subnet_of(one) for one in trusted)
    if isinstance(network, IPv6Network):
        return any(isinstance(one, IPv6Network) and network.subnet_of(one) for one in trusted)
    return False


def _message(problem: Problem) -> checks.CheckMessage:
    kind = checks.Warning if problem.is_warning else checks.Error
    return kind(problem.message, problem.hint, id=f"{TAG}.{problem.code}")
