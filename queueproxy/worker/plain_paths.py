"""Lists the addresses of the project's URLconf that have no parameter."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from ..path_segments import leading_text
from ..policy import Policy
from ..policy_table import Route
from .urlconf_walk import view_routes


def plain_paths(by_name: Mapping[str, Policy]) -> list[str]:
    """List the paths, percent-encoded, each once, in the order in which Django tries them.

    Those below the prefix of a language are left out.

    Args:
        by_name: the setting ``POLICIES``.
    """
    return list(dict.fromkeys(_found(by_name)))


def _found(by_name: Mapping[str, Policy]) -> Iterator[str]:
    for view in view_routes(by_name):
        if view.callback is None or view.reason or len(view.routes) != 1:
            continue
        (route,) = view.routes
        if not route.language and _is_literal(route):
            text = leading_text(route.levels)
            yield "/" + quote(text.removeprefix("/"), safe="/%:@!$&'()*+,;=~")


def _is_literal(route: Route) -> bool:
    return all(isinstance(item, str) for level in route.levels for item in level)
