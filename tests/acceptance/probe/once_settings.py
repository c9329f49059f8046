"""The probe site with a database on PostgreSQL, and views whose effects happen once there."""

import os

from .settings import *  # noqa: F403

ROOT_URLCONF = os.environ.get("PROBE_URLCONF", "tests.acceptance.probe.once_urls")
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    *INSTALLED_APPS,  # noqa: F405
]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PROBE_POSTGRES"],
        "USER": "queueproxy",
        "NAME": "postgres",
        "CONN_MAX_AGE": 60,
    }
}
