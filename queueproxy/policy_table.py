"""The routes that have a policy, as workers publish them, and the one that a path takes.

The first route that matches decides, as in Django. So routes without a policy stand in the table
too, where they come before one with a policy and may take a path from it.
"""

import operator
import re
from collections.abc import Callable, Iterable
from functools import cached_property

import msgspec

from .path_patterns import Level, expression
from .path_segments import segments

ANY_LANGUAGE = "*"
LONGEST_CODE = 500  # of a language, as Django has it


class RoutePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of the requests of a route.

    Args:
        methods: that it is said of; empty for all others.
        queue: empty where none is named.
        max_hold: seconds; 0 where none is named.
        repeat: whether a request may be run again; None where nothing is said.
        exactly_once: alias of the database in which its effects are to happen once; empty for none.
        group, at_most: how many of the group run at the same time; empty and 0 for no limit.
    """

    methods: list[str] = []
    queue: str = ""
    max_hold: float = 0
    repeat: bool | None = None
    exactly_once: str = ""
    group: str = ""
    at_most: int = 0


NO_POLICY = RoutePolicy()


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pattern of the URLconf.

    Args:
        levels: see path_patterns.
        whole: whether it must match to the path's end.
        language: below whose prefix it stands; `ANY_LANGUAGE` for that of any, empty for none.
        policies: by method; empty for a route without.
    """

    levels: list[Level]
    whole: bool = True
    language: str = ""
    policies: list[RoutePolicy] = []


class Languages(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the path tells the language, as Django's ``LocaleMiddleware`` reads it.

    Args:
        codes: that the site has.
        default: of the site.
        prefix_default: whether paths in the default language have a prefix too.
        fallbacks: by code: those that take its place, in order.
        fixed: whether it is the default one whatever the path: without the middleware.
    """

    codes: list[str]
    default: str
    prefix_default: bool = True
    fallbacks: dict[str, list[str]] = {}
    fixed: bool = False

    def language_of(self, path: str) -> str:
        """Return the language that a path is in, empty where it tells none.

        Args:
            path: without its leading slash.
        """
        if self.fixed:
            return self.default
        match = _LANGUAGE.match(path)
        named = self._supported(match[1]) if match else ""
        return named or ("" if self.prefix_default else self.default)

    def prefix_of(self, language: str) -> str:
        """Return what paths in a language begin with."""
        return "" if language == self.default and not self.prefix_default else f"{language}/"

    def _supported(self, code: str) -> str:
        if len(code) > LONGEST_CODE:
            code = code[: max(code.rfind("-", 0, LONGEST_CODE), 0)]
        candidates = [code, *self.fallbacks.get(code, [])]
        end = len(code)
        while (end := code.rfind("-", 0, end)) > -1:
            candidates.append(code[:end])
        for candidate in candidates:
            if candidate.lower() in self.codes:
                return candidate.lower()
        generic = candidates[-1] + "-"
        return next((known for known in self.codes if known.startswith(generic)), "")


_LANGUAGE = re.compile(r"(\w++(?:[@-]\w++){0,2}+)(?:/|\Z)")


class PolicyTable:
    """Finds the route that a path takes. A pattern is compiled when it is first tried.

    Args:
        routes: in the order of the URLconf.
        languages: None where no route stands below the prefix of a language.
    """

    def __init__(self, routes: Iterable[Route] = (), languages: Languages | None = None):
        self._plain, self._prefixed = _Places(), _Places()
        self._languages = languages
        for rank, route in enumerate(routes):
            places = self._prefixed if route.language else self._plain
            places.add(_Candidate(rank, route))

    def find(self, path: str) -> Route | None:
        """Return the first route that matches a path; None where there is none.

        Args:
            path: decoded, in the site, with its leading slash.
        """
        if not path.startswith("/"):
            return None
        rest = path[1:]
        found = self._plain.find(rest)
        if self._languages is not None:
            return self._first_of_all(found, rest, self._languages)
        if len(found) > 1:
            found.sort(key=_by_rank)
        for candidate in found:
            if candidate.matches(rest):
                return candidate.route
        return None

    def _first_of_all(
        self, found: list["_Candidate"], path: str, languages: Languages
    ) -> Route | None:
        language = languages.language_of(path)
        prefix = languages.prefix_of(language)
        both = [(candidate, path) for candidate in found]
        if language and path.startswith(prefix):
            rest = path[len(prefix) :]
            both += [
                (candidate, rest)
                for candidate in self._prefixed.find(rest)
                if candidate.route.language in (ANY_LANGUAGE, language)
            ]
        for candidate, text in sorted(both, key=lambda pair: pair[0].rank):
            if candidate.matches(text):
                return candidate.route
        return None

    def policy(self, path: str, method: str) -> RoutePolicy:
        """Return what is said of a request; `NO_POLICY` where nothing is.

        Args:
            path: as for `find`.
        """
        route = self.find(path)
        return NO_POLICY if route is None else policy_for(route, method)


def policy_for(route: Route, method: str) -> RoutePolicy:
    """Return what a route says of a method."""
    for policy in route.policies:
        if method in policy.methods or not policy.methods:
            return policy
    return NO_POLICY


class _Candidate:
    """A route and its place in the order; `matches` tells whether a path takes it."""

    def __init__(self, rank: int, route: Route):
        self.rank = rank
        self.route = route

    @cached_property
    def matches(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(expression(self.route.levels, whole=self.route.whole)).match


_by_rank = operator.attrgetter("rank")


class _Place:
    """Routes by the next segment of their path."""

    __slots__ = ("any", "ending", "going_on", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Place] = {}
        self.any: _Place | None = None  # for segments that are not always the same
        self.ending: list[_Candidate] = []  # routes of so many segments
        self.going_on: list[_Candidate] = []  # routes of so many and more


class _Places:
    """Finds the routes that may match, by the segments of a path; most others aren't looked at."""

    def __init__(self) -> None:
        self._root = _Place()
        self._depth = 0

    def add(self, candidate: _Candidate) -> None:
        names, exact = segments(candidate.route.levels, whole=candidate.route.whole)
        place = self._root
        for name in names:
            if name is None:
                place.any = place.any or _Place()
                place = place.any
            else:
                place = place.named.setdefault(name, _Place())
        (place.ending if exact else place.going_on).append(candidate)
        self._depth = max(self._depth, len(names))

    def find(self, path: str) -> list[_Candidate]:
        places, found = [self._root], []
        for segment in path.split("/", self._depth):
            further = []
            for place in places:
                if place.going_on:
                    found += place.going_on
                if segment in place.named:
                    further.append(place.named[segment])
                if place.any is not None:
                    further.append(place.any)
            places = further
            if not places:
                return found
        for place in places:
            found += place.going_on
            found += place.ending
        return found
