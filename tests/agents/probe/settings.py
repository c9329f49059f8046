"""The site's settings; PROBE_DIRECTORY is where its files are."""

import os
from pathlib import Path

DIRECTORY = Path(os.environ["PROBE_DIRECTORY"])

SECRET_KEY = "a key of the probe site"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.agents.probe.urls"
INSTALLED_APPS = ["channels", "queueproxy", "tests.agents.probe.apps.ProbeConfig"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DIRECTORY / "db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ.get("QUEUEPROXY_BROKER_URL", ""),
    }
}
QUEUEPROXY = {"SHARED_DATABASE": True}
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING"}}
