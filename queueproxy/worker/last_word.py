"""Sees to it that nothing is run a second time against the word of the view that would run it.

A front decides by the table of routes it knows, which may be another release's, and knows nothing
of a ``request.urlconf`` that a middleware sets. So where a request has been started before, Django
is left to choose the view, and what is said of that view decides.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from ..policy import Policy
from .view_policies import policies_of


@dataclass
class Repetition:
    """A request that is started again, while it is."""

    refused: bool = False


# In the context of a request; None, or not there, for one that is started for the first time.
_repetition: ContextVar[Repetition | None] = ContextVar("repetition", default=None)


class LastWord:
    """Refuses to run a view again whose requests must not be repeated. One per process.

    Args:
        by_name: the setting ``POLICIES``.
        retry_methods: the setting ``RETRY_METHODS``, for views that say nothing.
    """

    def __init__(self, by_name: Mapping[str, Policy], retry_methods: frozenset[str]):
        self._by_name = by_name
        self._retry_methods = retry_methods

    def begin(self, attempt: int) -> Repetition | None:
        """Note that a request is about to be run in this context.

        Returns:
            For a request that was started before: whether it is refused, once it has been run.
        """
        repetition = Repetition() if attempt > 1 else None
        _repetition.set(repetition)
        return repetition

    def watch(self, handler: BaseHandler, *, is_async: bool = False) -> None:
        """Have a handler ask before it calls a view, ahead of any middleware's ``process_view``.

        Args:
            is_async: whether it is a handler of ASGI.
        """
        handler._view_middleware.insert(0, self._ask_in_loop if is_async else self._ask)

    def _ask(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        repetition = _repetition.get()
        if repetition is None or self.may_repeat(request):
            return None
        repetition.refused = True
        return HttpResponse(status=502)  # seen by middleware only

    async def _ask_in_loop(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        return self._ask(request, *view)  # it waits for nothing: no thread is needed

    def may_repeat(self, request: HttpRequest) -> bool:
        """Whether the view that Django has found for a request may be run a second time."""
        found = view_at(get_resolver(getattr(request, "urlconf", None)), request.path_info)
        if found is not None:
            resolvers, pattern = found
            for said in policies_of(resolvers, pattern, self._by_name):
                if request.method in said.methods or not said.methods:
                    repeat = said.policy.repeat
                    return request.method in self._retry_methods if repeat is None else repeat
        return request.method in self._retry_methods


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
