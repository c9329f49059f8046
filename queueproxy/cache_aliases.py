"""Finds which database each cache of the project uses, so that none of them empties the queue's.

``cache.clear()`` is FLUSHDB with django-redis, and with Django's own Redis cache: in a database
that the queue shares it deletes every waiting request, every lease and every pause.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from .broker.link.connect import BrokerAddress, Database, database_of

DJANGO_REDIS = "django_redis."
_REDIS_BACKENDS = (DJANGO_REDIS, "django.core.cache.backends.redis.")
_KNOWN_BACKENDS = (DJANGO_REDIS, "django.core.cache.backends.")  # need no look at their classes
# Of a server that is not the embedded one; whatever else OPTIONS has (serializer, ...) stays.
_CONNECTION_OPTIONS = (
    *("CLIENT_CLASS", "CONNECTION_FACTORY", "CONNECTION_POOL_CLASS", "CONNECTION_POOL_KWARGS"),
    *("SENTINELS", "SENTINEL_KWARGS", "USERNAME", "PASSWORD", "username", "password"),
    *("db", "host", "port", "path", "connection_class", "pool_class"),
    *("socket_keepalive", "socket_keepalive_options", "socket_type"),
)


def redis_aliases() -> list[str]:
    """List the aliases in CACHES that are kept in Redis or Valkey.

    These are django-redis' and Django's own, and those of classes that inherit from them.
    """
    return [a for a, config in settings.CACHES.items() if _inherits(config, _REDIS_BACKENDS)]


def aliases_sharing(queue: BrokerAddress, *, but: str) -> list[str]:
    """List the aliases, other than `but`, whose ``clear()`` would empty the queue's database."""
    database = database_of(queue)
    return [
        alias
        for alias in redis_aliases()
        if alias != but and database in _databases(settings.CACHES[alias])
    ]


def serve_from_embedded(url: str) -> None:
    """Point each Redis cache of the project at a database of its own on the embedded server.

    A cache's database has the number of its place in CACHES, from 1; the queue has 0. So it is the
    same in each process, also where one could not import a class by then. May be called again.

    Args:
        url: ``unix://`` and the path of the server's socket.
    """
    redis = redis_aliases()
    caches: dict[str, dict[str, Any]] = settings.CACHES
    for number, (alias, config) in enumerate(caches.items(), start=1):
        if alias in redis:
            config["LOCATION"] = f"{url}?db={number}"
            options: dict[str, Any] = config.get("OPTIONS", {})
            config["OPTIONS"] = {k: v for k, v in options.items() if not _is_of_connection(k)}


def _is_of_connection(option: str) -> bool:
    return option in _CONNECTION_OPTIONS or option.startswith("ssl")


def _inherits(config: Mapping[str, Any], backends: tuple[str, ...]) -> bool:
    return any(name.startswith(backends) for name in _class_names(config))


def _class_names(config: Mapping[str, Any]) -> list[str]:
    """Name the class of a cache, and those it inherits from where it is the project's own."""
    name = str(config.get("BACKEND", ""))
    if name.startswith(_KNOWN_BACKENDS):
        return [name]
    try:
        backend = import_string(name)
    except Exception:  # whatever its module raises; Django tells it when the cache is used
        return []
    return [f"{each.__module__}.{each.__qualname__}" for each in getattr(backend, "__mro__", ())]


def _databases(config: Mapping[str, Any]) -> set[Database | None]:
    options: Mapping[str, Any] = config.get("OPTIONS", {})
    sentinels = tuple(options.get("SENTINELS", ()))
    if _inherits(config, (DJANGO_REDIS,)):
        options = options.get("CONNECTION_POOL_KWARGS") or {}
    return {
        database_of(BrokerAddress(url=url, options=options, sentinels=sentinels))
        for url in _locations(config.get("LOCATION", ""))
    }


def _locations(location: str | Iterable[str]) -> list[str]:
    texts = [location] if isinstance(location, str) else list(location)
    parts = [part for text in texts for part in text.replace(";", ",").split(",")]
    return [part.strip() for part in parts if part.strip()]
