"""A small project whose database is in memory, as most suites have it; nothing listens anywhere."""

SECRET_KEY = "only for tests"
ROOT_URLCONF = "tests.testing_kit.urls"
ALLOWED_HOSTS = []
INSTALLED_APPS = [
    "channels",
    "queueproxy",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
    },
    "queueproxy": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/1",
    },
}
STATIC_URL = "static/"
MEDIA_URL = "media/"
USE_TZ = True
