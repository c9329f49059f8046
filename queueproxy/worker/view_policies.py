"""Finds what is said of a view: by includes, its class, itself, its methods and settings."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.urls.resolvers import URLPattern, URLResolver

from ..policy import ATTRIBUTE, NOTHING_SAID, Policy
from ..policy_table import RoutePolicy

View = Callable[..., Any]


class Saying(NamedTuple):
    """A policy, and by what it is known to people: a view, a path, a key of ``POLICIES``."""

    by: str
    policy: Policy


class MethodPolicy(NamedTuple):
    """What is said of some methods of a view, all in all.

    Args:
        methods: empty for all others.
        group: names those that share `at_most`; empty without.
        sayings: of which it is made, the furthest from the view first.
    """

    methods: tuple[str, ...]
    policy: Policy
    group: str
    sayings: tuple[Saying, ...]

    def published(self) -> RoutePolicy:
        """Make what a front needs to know."""
        policy = self.policy
        return RoutePolicy(
            methods=list(self.methods),
            queue=policy.queue or "",
            max_hold=policy.max_hold or 0,
            repeat=policy.repeat,
            exactly_once=policy.database,
            group=self.group,
            at_most=policy.at_most or 0,
        )


def policies_of(
    resolvers: Iterable[URLResolver], pattern: URLPattern, by_name: Mapping[str, Policy]
) -> list[MethodPolicy]:
    """Merge what is said of a view by method: first what holds for some, last for all others.

    Args:
        resolvers: of the includes around it, the outermost first.
        by_name: the setting ``POLICIES``.
    """
    resolvers = list(resolvers)
    around = [*_of_includes(resolvers), *_of_view(pattern)]
    over = [Saying(name, by_name[name]) for name in names_of(resolvers, pattern) if name in by_name]
    found = [
        _merged(methods, [*around, saying, *over])
        for methods, saying in _by_method(pattern.callback, pattern.lookup_str)
    ]
    others = _merged((), [*around, *over])
    return [*found, others] if others.sayings else found


def names_of(resolvers: Iterable[URLResolver], pattern: URLPattern) -> tuple[str, ...]:
    """Return the names of a view in ``POLICIES``: the path to its code; its name in the URLconf."""
    if not pattern.name:
        return (pattern.lookup_str,)
    namespaces = [resolver.namespace for resolver in resolvers if resolver.namespace]
    return (pattern.lookup_str, ":".join([*namespaces, pattern.name]))


def _merged(methods: tuple[str, ...], sayings: Iterable[Saying]) -> MethodPolicy:
    made_of = tuple(saying for saying in sayings if saying.policy != NOTHING_SAID)
    whole, group = NOTHING_SAID, ""
    for by, policy in made_of:
        whole = whole.under(policy)
        if policy.at_most is not None:
            group = by
    return MethodPolicy(methods, whole, group, made_of)


def _of_includes(resolvers: Iterable[URLResolver]) -> Iterator[Saying]:
    path = "/"
    for number, resolver in enumerate(resolvers):
        if number:  # the first is the root's
            path += str(resolver.pattern).removeprefix("^")
        yield Saying(path, getattr(resolver.urlconf_name, ATTRIBUTE, NOTHING_SAID))


def _of_view(pattern: URLPattern) -> Iterator[Saying]:
    view = pattern.callback
    seen = [getattr(view, ATTRIBUTE, NOTHING_SAID)]
    while isinstance(view, functools.partial):
        view = view.func
        seen.append(getattr(view, ATTRIBUTE, NOTHING_SAID))
    seen.append(getattr(_class_of(view), ATTRIBUTE, NOTHING_SAID))
    for policy in reversed(seen):
        yield Saying(pattern.lookup_str, policy)


def _by_method(callback: View, name: str) -> Iterator[tuple[tuple[str, ...], Saying]]:
    view = callback
    while isinstance(view, functools.partial):
        view = view.func
    cls = _class_of(view)
    actions = getattr(view, "actions", None)  # of Django REST framework's sets of views
    actions = actions if isinstance(actions, dict) else None
    named = dict(actions or {name: name for name in getattr(cls, "http_method_names", ())})
    for method, attribute in named.items():
        policy = getattr(getattr(cls, attribute, None), ATTRIBUTE, NOTHING_SAID)
        if policy == NOTHING_SAID:
            continue
        head = method == "get" and not ("head" in actions if actions else hasattr(cls, "head"))
        methods = (method.upper(), "HEAD") if head else (method.upper(),)
        yield methods, Saying(f"{name}.{attribute}", policy)


def _class_of(view: View) -> type | None:
    return getattr(view, "view_class", None) or getattr(view, "cls", None)
