"""The probe site of tests/chaos, with its broker behind Sentinels."""

import json
import os

from tests.chaos.probe.settings import *  # noqa: F403
from tests.kit.sentinels import SERVICE

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"redis://{SERVICE}/0",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.SentinelClient",
            "SENTINELS": [tuple(at) for at in json.loads(os.environ["FAULT_SENTINELS"])],
        },
    }
}
