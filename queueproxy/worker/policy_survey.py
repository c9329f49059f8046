"""Decides which routes a worker publishes: those with a policy, and what may stand before them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from ..path_segments import leading_text, segments
from ..policy import Policy
from ..policy_table import ANY_LANGUAGE, Languages, Route
from ..route_table import MOST_BYTES, MOST_ROUTES
from .urlconf_walk import ViewRoute, languages_of_site, view_routes

MOST_ROUTE_BYTES = MOST_BYTES - 64 * 1024  # the rest is for the operators' lane


class Prefix(NamedTuple):
    """What the paths have in common that a pattern may match; see path_segments.segments."""

    names: list[str | None]
    exact: bool
    text: str


class Surveyed(NamedTuple):
    """A view of the URLconf, and why a front does not know its policy; empty where it does."""

    view: ViewRoute
    left_out: str


class Survey(NamedTuple):
    """What there is in the URLconf, and what of it is published."""

    views: list[Surveyed]
    routes: list[Route]
    languages: Languages | None

    @property
    def databases(self) -> frozenset[str]:
        """Aliases of those in which effects are to happen once."""
        policies = (said.policy for view, _ in self.views for said in view.policies)
        return frozenset(policy.database for policy in policies if policy.database)


def survey(by_name: Mapping[str, Policy]) -> Survey:
    """Walk the URLconf and choose what is published.

    A pattern that a front can't match hides those behind it that it may overlap with: there a front
    does not know which of them Django will find. Where the table is full, the last ones are left
    out, which changes nothing for those before.

    Args:
        by_name: the setting ``POLICIES``.
    """
    views = list(view_routes(by_name))
    surveyed = [
        Surveyed(view, _why_left_out(view, hider))
        for view, hider in zip(views, _hiders(views), strict=True)
    ]
    needed = _needed(surveyed)
    routes: list[Route] = []
    size, full = 0, False
    for number, (view, left_out) in enumerate(surveyed):
        published = [] if number not in needed else list(_published(view, left_out))
        size += sum(len(msgspec.json.encode(route)) + 1 for route in published)
        full = full or len(routes) + len(published) > MOST_ROUTES or size > MOST_ROUTE_BYTES
        if not full:
            routes += published
        elif view.policies and not left_out:
            surveyed[number] = Surveyed(view, "the table of routes is full")
    prefixed = any(route.language for route in routes)
    return Survey(surveyed, routes, languages_of_site() if prefixed else None)


def _why_left_out(view: ViewRoute, hider: ViewRoute | None) -> str:
    if not view.policies:
        return ""
    if view.reason:
        return view.reason
    if hider is None:
        return ""
    return f"{hider.shown} comes before it and may take its paths: {hider.reason}"


def _published(view: ViewRoute, left_out: str) -> Iterator[Route]:
    policies = [] if left_out else [policy.published() for policy in view.policies]
    for route in view.routes:
        yield msgspec.structs.replace(route, policies=policies)


def _hiders(views: Iterable[ViewRoute]) -> Iterator[ViewRoute | None]:
    """Find, for each view with a policy, one before it that a front can't tell from it."""
    unclear = _ByFirstSegment()
    for view in views:
        hider = None
        if view.policies and not view.reason:
            hider = next((one for one in unclear.overlapping(view)), None)
        yield hider
        if view.reason:
            unclear.add(view)


def _needed(surveyed: list[Surveyed]) -> set[int]:
    """Number the views that have to be in the table."""
    known, needed = _ByFirstSegment(), set()
    for number in range(len(surveyed) - 1, -1, -1):
        view, left_out = surveyed[number]
        if view.policies and not left_out:
            known.add(view)
            needed.add(number)
        elif not view.reason and next(known.overlapping(view), None) is not None:
            needed.add(number)
    return needed


class _ByFirstSegment:
    """Views by the first segment of their paths, so that few have to be compared."""

    def __init__(self) -> None:
        self._named: dict[str, list[tuple[Prefix, ViewRoute]]] = defaultdict(list)
        self._others: list[tuple[Prefix, ViewRoute]] = []

    def add(self, view: ViewRoute) -> None:
        for prefix in _prefixes(view):
            names = prefix.names
            place = self._named[names[0]] if names and names[0] is not None else self._others
            place.append((prefix, view))

    def overlapping(self, view: ViewRoute) -> Iterator[ViewRoute]:
        """Find those that may match a path that this one may match."""
        for prefix in _prefixes(view):
            for other, found in self._candidates(prefix):
                if _may_overlap(prefix, other):
                    yield found

    def _candidates(self, prefix: Prefix) -> Iterator[tuple[Prefix, ViewRoute]]:
        names = prefix.names
        if names and names[0] is not None:
            yield from self._named.get(names[0], ())
        else:
            for some in self._named.values():
                yield from some
        yield from self._others


def _prefixes(view: ViewRoute) -> Iterator[Prefix]:
    for route in view.routes:
        names, exact = segments(route.levels, whole=route.whole)
        if route.language:
            language = None if route.language == ANY_LANGUAGE else route.language
            yield Prefix([language, *names], exact, "")
        # Below the prefix of a language too: the default one may have none.
        yield Prefix(names, exact, leading_text(route.levels))


def _may_overlap(one: Prefix, other: Prefix) -> bool:
    common = min(len(one.text), len(other.text))
    if one.text[:common] != other.text[:common]:
        return False
    for mine, others in zip_longest(one.names, other.names, fillvalue=False):
        if mine is False or others is False:
            shorter = one if mine is False else other
            return not shorter.exact
        if mine is not None and others is not None and mine != others:
            return False
    return True
