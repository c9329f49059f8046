"""The example site with a set of views beside it that answer in every way a view can."""

import os

from project.settings import *  # noqa: F403

DEBUG = os.environ.get("DIFF_DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "example.test"]
ROOT_URLCONF = "tests.differential.urls"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
QUEUEPROXY = {"SERVER_TIMING": False}
LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"django": {"level": 50}}}
