"""The project's ASGI application, as ``runqueueproxy`` serves it."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from . import asgi
from .asgi_types import ASGIApplication, Receive, Scope, Send
from .development.static_files import with_static_files
from .front.http.refusals import Refusal
from .servers.common.lifespan import Lifespan


class NoQueue(ImproperlyConfigured):
    """The application can't be loaded, or would serve the site without a queue."""


class ServedApplication:
    """An ASGI application, and each `QueueProxy` in it from the server's start to its end.

    A ``ProtocolTypeRouter`` need not pass the lifespan on to what it is made of.

    Args:
        app: the application.
        proxies: those that were constructed with it.
    """

    def __init__(self, app: ASGIApplication, proxies: tuple[asgi.QueueProxy, ...]):
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        lifespan = Lifespan(self._app, scope.get("state"))
        await receive()
        try:
            await lifespan.start()
        except RuntimeError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        for proxy in self._proxies:
            proxy.running()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await lifespan.stop()
        for proxy in self._proxies:
            await proxy.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def drain(self) -> None:
        """Say from now on that this front is going."""
        for proxy in self._proxies:
            proxy.drain()

    def count(self, refusal: Refusal) -> None:
        """Have an answer counted that the server has given itself, by one of its fronts."""
        any(proxy.count(refusal) for proxy in self._proxies)

    def held_requests(self) -> list[dict[str, Any]]:
        """List what is held now, longest first, as of `QueueProxy.held_requests`."""
        held = [request for proxy in self._proxies for request in proxy.held_requests()]
        return sorted(held, key=lambda request: -request["seconds"])


def load(*, static: bool = True) -> ServedApplication:
    """Load what ASGI_APPLICATION names, or `queueproxy.asgi.application` where it is not set.

    Args:
        static: whether static files are served in development (`development.static_files`).

    Raises:
        NoQueue: with one line that says why.
    """
    name = getattr(settings, "ASGI_APPLICATION", None) or f"{asgi.__name__}.application"
    try:
        app = import_string(name)
    except asgi.WrongSettings:
        raise
    except Exception as error:  # whatever the module does when it is imported
        raise NoQueue(f"ASGI_APPLICATION ({name}) can't be loaded: {error!r}") from error
    proxies = asgi.constructed()
    if not proxies:
        raise NoQueue(
            f"ASGI_APPLICATION ({name}) constructs no queueproxy.asgi.QueueProxy: the site would "
            'be served without a queue. Use QueueProxy() as the "http" of its ProtocolTypeRouter.'
        )
    for proxy in proxies:
        proxy.explains = False  # it holds clients with DEBUG on too: its log is in sight
    return ServedApplication(with_static_files(app) if static else app, proxies)
