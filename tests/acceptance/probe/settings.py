"""A probe site: its views say what they did in a ledger."""

import json
import os

from queueproxy.front.http import cut

SECRET_KEY = "a-key-of-the-tests-that-is-long-enough-to-sign-with"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels", "queueproxy"]  # daphne would be imported by every process
ROOT_URLCONF = os.environ.get("PROBE_URLCONF", "tests.acceptance.probe.urls")
MIDDLEWARE: list[str] = []
ASGI_APPLICATION = os.environ.get("PROBE_ASGI", "queueproxy.asgi.application")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("PROBE_LAYER_URL", "redis://127.0.0.1:1/2")]},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ.get("PROBE_CACHE_URL", "redis://127.0.0.1:1/0"),
    },
    "queueproxy": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/1",  # the tests name theirs in QUEUEPROXY_BROKER_URL
    },
}
DATABASES: dict[str, dict] = {}  # a driver would be imported by every process
QUEUEPROXY = {
    "ROUTES": [{"path": "/high/", "queue": "high"}, {"path": "/low/", "queue": "low"}],
    **json.loads(os.environ.get("PROBE_SETTINGS", "{}")),
}
USE_TZ = True
cut.SLACK = float(os.environ.get("PROBE_CLIENT_SLACK", cut.SLACK))
cut.SETTLED_SLACK = float(os.environ.get("PROBE_CLIENT_SLACK_SETTLED", cut.SETTLED_SLACK))
cut.MIN_RATE = float(os.environ.get("PROBE_CLIENT_MIN_RATE", cut.MIN_RATE))
if "PROBE_LOGGING" in os.environ:
    LOGGING = json.loads(os.environ["PROBE_LOGGING"])
if "PROBE_TRACES" in os.environ:
    INSTALLED_APPS.append("tests.acceptance.probe.traces.TracesConfig")
