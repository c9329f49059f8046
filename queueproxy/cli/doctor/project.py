"""Looks at the project: what its asgi.py serves, and who serves its static files."""

from collections.abc import Iterator

from channels.routing import ProtocolTypeRouter
from django.apps import apps
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.utils.module_loading import import_string

from ... import served_application
from ...development.static_files import has_whitenoise, is_local
from ...static_files_problems import problems_of_static_files
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
    """Warn where only a proxy can serve them; what else may be wrong is the check W013."""
    served = settings.DEBUG or has_whitenoise() or not is_local(settings.STATIC_URL)
    if served or any(problems_of_static_files()):
        return
    yield Finding(
        AREA,
        "warning",
        f"Nothing in MIDDLEWARE serves {settings.STATIC_URL}: unless a proxy does, pages and "
        "the admin come without styles.",
        f"Add {WHITENOISE!r} behind SecurityMiddleware, or let the proxy serve STATIC_ROOT "
        "(doctor --url shows whether it does).",
    )
