"""Finds which database each cache of the project uses, so that none of them empties the queue's.

``cache.clear()`` is FLUSHDB with django-redis, and with Django's own Redis cache: in a database
that the queue shares it deletes every waiting request, every lease and every pause.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from .broker.link.connect import BrokerAddress, Database, database_of

DJANGO_REDIS = "django_redis."
_REDIS_BACKENDS = (DJANGO_REDIS, "django.core.cache.backends.redis.")
# Of a server that is not the embedded one; whatever else OPTIONS has (serializer, ...) stays.
_CONNECTION_OPTIONS = (
    *("CLIENT_CLASS", "CONNECTION_FACTORY", "CONNECTION_POOL_CLASS", "CONNECTION_POOL_KWARGS"),
    *("SENTINELS", "SENTINEL_KWARGS", "USERNAME", "PASSWORD", "username", "password"),
)


def redis_aliases() -> list[str]:
    """List the aliases in CACHES that are kept in Redis or Valkey."""
    return [
        alias
        for alias, config in settings.CACHES.items()
        if str(config.get("BACKEND", "")).startswith(_REDIS_BACKENDS)
    ]


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

    Databases are counted from 1 in the order of CACHES; the queue has 0.

    Args:
        url: ``unix://`` and the path of the server's socket.
    """
    for number, alias in enumerate(redis_aliases(), start=1):
        config = settings.CACHES[alias]
        config["LOCATION"] = f"{url}?db={number}"
        options = config.get("OPTIONS", {})
        config["OPTIONS"] = {k: v for k, v in options.items() if k not in _CONNECTION_OPTIONS}


def _databases(config: Mapping[str, Any]) -> set[Database | None]:
    options = config.get("OPTIONS", {})
    sentinels = tuple(options.get("SENTINELS", ()))
    return {
        database_of(BrokerAddress(url=url, sentinels=sentinels))
        for url in _locations(config.get("LOCATION", ""))
    }


def _locations(location: str | Iterable[str]) -> list[str]:
    texts = [location] if isinstance(location, str) else list(location)
    parts = [part for text in texts for part in text.replace(";", ",").split(",")]
    return [part.strip() for part in parts if part.strip()]
