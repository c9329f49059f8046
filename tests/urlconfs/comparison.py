"""For each path: the view that Django finds, and what a front makes of the path.

Every view is given a policy that names it, by the setting POLICIES; the table goes over the wire,
and is asked for paths made of the patterns themselves, bent in small ways.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.urls import get_resolver
from django.utils import translation

from queueproxy import route_table
from queueproxy.path_patterns import Choice, Item, Loop
from queueproxy.policy import Policy
from queueproxy.policy_table import ANY_LANGUAGE, NO_POLICY, PolicyTable
from queueproxy.route_table import RouteTable
from queueproxy.worker.last_word import view_at
from queueproxy.worker.policy_survey import Survey, survey
from queueproxy.worker.urlconf_walk import view_routes
from queueproxy.worker.view_policies import names_of, policies_of

SIGNER = route_table.signer(("secret",), "site")
CHARACTERS = "abcxyz019-_./% éß中\n"


class Outcome(NamedTuple):
    """What was found.

    Args:
        counts: ``same``, ``not expressible`` (Django's view is named as such), ``no view``.
        wrong: paths that a front takes for another view's than Django does.
        left_out: patterns that are named as not expressible, and why.
        views: how many there are.
    """

    counts: Counter
    wrong: list[str]
    left_out: dict[str, str]
    views: int


class Names(dict):
    """POLICIES for every view, or for a share of them.

    Args:
        share: of all names, 0 to 1.
    """

    def __init__(self, share: float, seed: int):
        super().__init__()
        self._share, self._random = share, random.Random(seed)

    def choose(self) -> "Names":
        """Give each name of the URLconf a policy, or not."""
        for name in sorted({view.name for view in view_routes({})}):
            if self._random.random() < self._share:
                self[name] = Policy(queue=name, repeat=True)
        return self


def compare(*, share: float = 1.0, seed: int = 16, per_route: int = 30) -> Outcome:
    """Compare for the URLconf in force.

    Args:
        share: of the views that have a policy.
        per_route: paths tried for each pattern.
    """
    by_name = Names(share, seed).choose()
    found = survey(by_name)
    table = over_the_wire(found)
    known = PolicyTable(table.routes, table.languages)
    left_out = {view.view.shown: view.left_out for view in found.views if view.left_out}
    hidden = {name for view in found.views if view.left_out for name in view.view.names}
    counts, wrong = Counter(), []
    for path in sorted(set(paths(found, random.Random(seed), per_route))):
        wanted = djangos(path, by_name)
        got = known.policy(path, "POST")
        if wanted is None:
            counts["no view"] += 1
        elif wanted[0] in hidden and got is NO_POLICY:
            counts["not expressible"] += 1
        elif got.queue == wanted[1]:
            counts["same"] += 1
        else:
            wrong.append(f"{path!r}: {got.queue!r}, not {wanted[1]!r}")
    return Outcome(counts, wrong, left_out, len(found.views))


def over_the_wire(found: Survey) -> RouteTable:
    """The table as a front reads it."""
    table = RouteTable("", [], found.routes, found.languages)
    return route_table.read(route_table.encoded(table, SIGNER), SIGNER)


def djangos(path: str, by_name: dict[str, Policy]) -> tuple[str, str] | None:
    """The name of the view that Django finds, and the queue it is said to wait in."""
    request = HttpRequest()
    request.path_info, request.path, request.method = path, path, "POST"
    try:
        if sets_language():
            LocaleMiddleware(lambda request: None).process_request(request)
        found = view_at(get_resolver(), path)
        if found is None:
            return None
        said = policies_of(*found, by_name)
        return names_of(*found)[-1], (said[-1].policy.queue or "") if said else ""
    finally:
        translation.deactivate()


def sets_language() -> bool:
    from django.conf import settings

    return "django.middleware.locale.LocaleMiddleware" in settings.MIDDLEWARE


# Paths.


def paths(found: Survey, chance: random.Random, per_route: int) -> Iterator[str]:
    """Make paths that match a pattern, nearly match it, or match another one."""
    languages = ["en", "de", "nl", "pt-br", "zh-hans", "de-at", "xx"]
    for view in found.views:
        for route in view.view.routes:
            for _ in range(per_route):
                path = "".join(_text(item, chance) for level in route.levels for item in level)
                if not route.whole and chance.random() < 0.5:
                    path += chance.choice(["x", "/", "x/y/"])
                if route.language and chance.random() < 0.8:
                    code = route.language if route.language != ANY_LANGUAGE else ""
                    path = f"{code or chance.choice(languages)}/{path}"
                yield "/" + (path if chance.random() < 0.6 else _bent(path, chance))


def _bent(path: str, chance: random.Random) -> str:
    at = chance.randrange(len(path) + 1)
    match chance.randrange(5):
        case 0:
            return path[:at] + chance.choice(CHARACTERS) + path[at:]
        case 1:
            return path[:at] + path[at + 1 :]
        case 2:
            return path + chance.choice(["/", "x", "edit/", "\n"])
        case 3:
            return path.rstrip("/")
        case _:
            return path.replace("/", "//", 1)


def _text(item: Item, chance: random.Random) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, Choice):
        return chance.choice(item.texts)
    if isinstance(item, Loop):
        return "".join(
            _text(part, chance) for _ in range(chance.randrange(3)) for part in item.items
        )
    fitting = [one for one in CHARACTERS if re.fullmatch(item.chars, one)] or ["a"]
    most = item.most or item.least + 5
    length = chance.randint(item.least, min(most, item.least + 5))
    return "".join(chance.choices(fitting, k=length))
