"""The queue's cache behind three Sentinels: copy CACHES["queueproxy"] into your settings."""

import os

CACHES = {
    "queueproxy": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://queue/0",  # the name the Sentinels know, not a host
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.SentinelClient",
            "SENTINELS": [("10.0.0.1", 26379), ("10.0.0.2", 26379), ("10.0.0.3", 26379)],
            "SENTINEL_KWARGS": {"socket_timeout": 2},
            "PASSWORD": os.environ.get("QUEUE_PASSWORD"),
        },
    },
}
