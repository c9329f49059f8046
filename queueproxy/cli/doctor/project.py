"""Looks at the project: what its asgi.py serves, and who serves its static files."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.handlers.asgi import ASGIHandler
from django.utils.module_loading import import_string

from ... import served_application
from .finding import Finding

AREA = "project"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"


def examine() -> Iterator[Finding]:
    """Load the application, and look for whoever serves static files."""
    yield _application()
    if apps.is_installed("django.contrib.staticfiles"):
        yield from _static_files()


def _application() -> Finding:
    name = getattr(settings, "ASGI_APPLICATION", None)
    try:
        served_application.load()
    except served_application.NoQueue as error:
        return Finding(
            AREA,
            "error",
            str(error),
            'Put "from queueproxy.asgi import application" into asgi.py, or QueueProxy() as the '
            '"http" of its ProtocolTypeRouter.',
        )
    served = import_string(name) if name else None
    if isinstance(served, ProtocolTypeRouter):
        http = served.application_mapping.get("http")
        if http is None or isinstance(http, ASGIHandler):
            what = "nothing" if http is None else "Django's own handler"
            return Finding(
                AREA,
                "error",
                f"ASGI_APPLICATION ({name}) gives HTTP to {what}: no request is ever queued.",
                'Use QueueProxy() as the "http" of its ProtocolTypeRouter.',
            )
    return Finding(AREA, "ok", f"ASGI_APPLICATION ({name}) serves the site by the queue.")


def _static_files() -> Iterator[Finding]:
    url = urlsplit(settings.STATIC_URL or "")
    if not settings.STATIC_URL or url.netloc or settings.DEBUG:
        return
    if WHITENOISE not in settings.MIDDLEWARE:
        yield Finding(
            AREA,
            "warning",
            f"Nothing in MIDDLEWARE serves {settings.STATIC_URL}: unless a proxy does, pages and "
            "the admin come without styles.",
            f"Add {WHITENOISE!r} behind SecurityMiddleware, or let the proxy serve STATIC_ROOT "
            "(doctor --url shows whether it does), then run manage.py collectstatic.",
        )
    elif not getattr(settings, "WHITENOISE_USE_FINDERS", False):
        yield from _collected()
    yield from _manifest()


def _collected() -> Iterator[Finding]:
    root = settings.STATIC_ROOT
    if not root or not Path(root).is_dir() or not any(Path(root).iterdir()):
        yield Finding(
            AREA,
            "error",
            f"STATIC_ROOT ({root}) has no files: WhiteNoise has nothing to serve.",
            "Run manage.py collectstatic, then start the workers anew.",
        )


def _manifest() -> Iterator[Finding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = staticfiles_storage
        if not isinstance(storage, ManifestFilesMixin):
            return
        missing = storage.read_manifest() is None
    if missing:
        yield Finding(
            AREA,
            "error",
            f"There is no {storage.manifest_name}: each page with a static file fails.",
            "Run manage.py collectstatic, then start the workers anew.",
        )
