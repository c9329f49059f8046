"""Settings of a production site without middleware, for the views that measure serving alone."""

import json
import os
from pathlib import Path

DEBUG = False
SECRET_KEY = "a-key-of-the-benchmarks-only-which-protects-nothing-at-all"
ALLOWED_HOSTS = ["127.0.0.1"]
DATA_DIR = Path(os.environ.get("BENCH_DATA", "."))

INSTALLED_APPS = [
    "channels",
    "queueproxy",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "benchmarks.site",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.site.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATA_UPLOAD_MAX_MEMORY_SIZE = None  # views read bodies whole

# No view uses it; the queue is told its broker by QUEUEPROXY_BROKER_URL.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# The defaults, signing included; a scenario may raise a limit it is about to pass.
QUEUEPROXY = json.loads(os.environ.get("BENCH_QUEUEPROXY", "{}"))

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "db.sqlite3",
        # Kept between requests, except where Django's documentation advises against it: under ASGI.
        "CONN_MAX_AGE": int(os.environ.get("BENCH_CONN_MAX_AGE", "60")),
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
