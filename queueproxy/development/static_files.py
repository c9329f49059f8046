"""Serves static files in development from where they lie, as ``runserver`` does."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlparse

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotFound,
    StreamingHttpResponse,
)

from ..asgi_types import ASGIApplication

WHITENOISE = "whitenoise."


class StaticFiles(ASGIStaticFilesHandler):
    """Answers below STATIC_URL itself, and passes all else on.

    Django's own, but for a file that is not there: its page about that would import the URLconf,
    and with it the project's views, into the front.
    """

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response = await sync_to_async(self.serve, thread_sensitive=False)(request)
        except Http404 as error:
            return HttpResponseNotFound(f"{error}\n", content_type="text/plain; charset=utf-8")
        if isinstance(response, StreamingHttpResponse):
            # Else Django reads the whole file first, and warns of it.
            response.streaming_content = _in_a_thread(iter(response))
        return response


async def _in_a_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
    while (piece := await following()) is not None:
        yield piece


def with_static_files(app: ASGIApplication) -> ASGIApplication:
    """Return the application with static files where ``runserver`` would serve them, else itself.

    Django's staticfiles app is installed, DEBUG is on, they are on this server; and the project has
    no WhiteNoise, which serves them from the workers.
    """
    wanted = (
        settings.DEBUG
        and apps.is_installed("django.contrib.staticfiles")
        and is_local(settings.STATIC_URL)
        and not has_whitenoise()
    )
    if not wanted:
        return app
    return StaticFiles(app)  # type: ignore[arg-type,return-value]  # any ASGI application will do


def is_local(url: str | None) -> bool:
    """Whether this is a path of the site, below its root."""
    parts = urlparse(url or "")
    return not parts.netloc and parts.path not in ("", "/")


def has_whitenoise() -> bool:
    """Whether the project's middleware has WhiteNoise in it, by its name."""
    return any(name.startswith(WHITENOISE) for name in settings.MIDDLEWARE)
