"""Settings of the example site. What queueproxy needs is marked with (1) to (3)."""

import os
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("QUEUEPROXY_VAR", BASE_DIR / "var"))  # database, uploads

DEBUG = os.environ.get("DEBUG", "1") not in ("0", "false", "no", "")
SECRET_KEY = os.environ.get("SECRET_KEY", "an-example-only-never-use-this-key-anywhere-else")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "channels",  # (1)
    "queueproxy",  # (1) above staticfiles, so that runserver is a front
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "project.things",
]
ASGI_APPLICATION = "project.asgi.application"  # (2)
WSGI_APPLICATION = "project.wsgi.application"  # serves the same site plainly, without a queue

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    },
    "queueproxy": {  # (3) its database carries the queue; no other cache may be in there
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ.get("QUEUE_URL", "redis://127.0.0.1:6379/1"),
    },
}
QUEUEPROXY = {  # all optional; see docs/settings.md
    "ROUTES": [
        {"path": r"/(admin|login)/", "queue": "high"},
        {"path": r"/things/export\.csv", "queue": "low"},
    ],
    "RUN_DIR": str(DATA_DIR.resolve() / "queueproxy"),  # files of what runs; so by default, too
}

MIDDLEWARE = [
    "project.middleware.WorkerMiddleware",  # outermost, so that it marks static files too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "project.things.context.worker",
            ]
        },
    }
]

SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA_DIR / "db.sqlite3",
    # Several workers write at once: take the write lock at the start, and wait for it.
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
DATABASE_URL = os.environ.get("DATABASE_URL")
DATABASES = {
    "default": dj_database_url.parse(DATABASE_URL, conn_max_age=60) if DATABASE_URL else SQLITE
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # SQLite needs DATA_DIR, WhiteNoise looks in here
WHITENOISE_USE_FINDERS = True  # no collectstatic needed
MEDIA_URL = "media/"
MEDIA_ROOT = DATA_DIR / "media"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "things:list"
LOGOUT_REDIRECT_URL = "things:list"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {process} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Django's own set-up is silent without DEBUG and mails to admins, whom this site has none.
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "queueproxy": {"level": "INFO"},
    },
}
