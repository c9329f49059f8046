"""Sees to it that nothing is run against the word of the view that would run it.

A front decides by the table of routes it knows, which may be another release's, and knows nothing
of a ``request.urlconf`` that a middleware sets. So Django is left to choose the view, and what is
said of that view decides whether it may be run a second time, and whether it may be run outside of
the transaction in which its effects are to happen once.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from ..broker.route_counts import NO_ROUTE, route_name
from ..exactly_once.identity import HEADER
from ..http_syntax import SAFE_METHODS
from ..policy import NOTHING_SAID, Policy
from .problems import BAD_KEY, problem
from .view_policies import policies_of

MOST_KNOWN = 10_000  # views by method; only URLconfs that are made again and again have more
KEY_HEADER = "HTTP_" + HEADER.upper().replace("-", "_")
MISROUTED, WORKER_LOST = "misrouted", "worker_lost"


@dataclass
class Start:
    """A request that is being started.

    Args:
        again: whether it may have been started before.
        database: in whose transaction it runs, together with its answer; empty for none.
        refused: the reason for which its view does not run; empty where it does.
        wanted: the database in which its view wants it, where that is why.
        route: by which Django has found its view, as `route_counts` names it.
    """

    again: bool
    database: str = ""
    refused: str = ""
    wanted: str = ""
    route: str = NO_ROUTE

    def refuse(self, wanted: str) -> None:
        """Note that its view does not run, and in which database it is to, if in any."""
        self.wanted = wanted
        # What another worker may have started is not safe to send again.
        self.refused = WORKER_LOST if self.again else MISROUTED


NOT_STARTED = Start(again=False)  # of what is answered without a word about its views
# In the context of a request that is run.
_start: ContextVar[Start | None] = ContextVar("start", default=None)


class LastWord:
    """Refuses to run a view against what is said of it. One per process.

    Args:
        by_name: the setting ``POLICIES``.
        retry_methods: the setting ``RETRY_METHODS``, for views that say nothing.
    """

    def __init__(self, by_name: Mapping[str, Policy], retry_methods: frozenset[str]):
        self._by_name = by_name
        self._retry_methods = retry_methods
        self._known: dict[tuple[object, ...], Policy] = {}

    def begin(self, attempt: int, database: str = "") -> Start:
        """Note that a request is about to be run in this context.

        Args:
            database: as of `Start`.

        Returns:
            What tells whether it is refused, once it has been run.
        """
        start = Start(attempt > 1, database)
        _start.set(start)
        return start

    def watch(self, handler: BaseHandler, *, is_async: bool = False) -> None:
        """Have a handler ask before it calls a view, ahead of any middleware's ``process_view``.

        Args:
            is_async: whether it is a handler of ASGI.
        """
        views: list[object] = handler._view_middleware  # type: ignore[attr-defined]  # its own
        views.insert(0, self._ask_in_loop if is_async else self._ask)

    def _ask(self, request: HttpRequest, *view: object) -> HttpResponseBase | None:
        start = _start.get()
        if start is None:
            return None
        match = request.resolver_match
        start.route = route_name(match.route if match else None)
        said = self._said_of(request)
        if not self._may_run(request, said, start):
            start.refuse(_wanted(request, said))
            return HttpResponse(status=502)  # seen by middleware only
        if said.require_key and start.database and KEY_HEADER not in request.META:
            return _without_key()
        return None

    async def _ask_in_loop(self, request: HttpRequest, *view: object) -> HttpResponseBase | None:
        return self._ask(request, *view)  # it waits for nothing: no thread is needed

    def _may_run(self, request: HttpRequest, said: Policy, start: Start) -> bool:
        wanted = _wanted(request, said)
        if wanted:  # it happens once, however often it is started there
            return start.database == wanted
        if not start.again or said.repeat:
            return True
        return said.repeat is None and request.method in self._retry_methods

    def _said_of(self, request: HttpRequest) -> Policy:
        """Return what is said of the view that Django has found for a request."""
        match, urlconf = request.resolver_match, getattr(request, "urlconf", None)
        if match is None:
            return self._look_up(request)
        view = (urlconf, match.route, match.func, request.method)
        try:
            said = self._known.get(view)
        except TypeError:  # a URLconf, or a view, that can't be hashed
            return self._look_up(request)
        if said is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            said = self._known[view] = self._look_up(request)
        return said

    def _look_up(self, request: HttpRequest) -> Policy:
        found = view_at(get_resolver(getattr(request, "urlconf", None)), request.path_info)
        if found is not None:
            for said in policies_of(*found, self._by_name):
                if request.method in said.methods or not said.methods:
                    return said.policy
        return NOTHING_SAID


def _wanted(request: HttpRequest, said: Policy) -> str:
    """Return the database in which a request is to happen once; empty where it may be repeated."""
    return "" if request.method in SAFE_METHODS else said.database


def _without_key() -> HttpResponse:
    answer = problem(BAD_KEY, "This address asks for an Idempotency-Key.")
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def view_at(resolver: URLResolver, path: str) -> tuple[Sequence[URLResolver], URLPattern] | None:
    """Find a view as Django's resolver does, and the includes it lies in."""
    match = resolver.pattern.match(path)
    if not match:
        return None
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            if pattern.resolve(match[0]):
                return [resolver], pattern
        elif isinstance(pattern, URLResolver):
            inner = view_at(pattern, match[0])
            if inner is not None:
                return [resolver, *inner[0]], inner[1]
    return None
