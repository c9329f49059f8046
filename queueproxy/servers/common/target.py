"""Reads what a request line asks for, where that is not simply a path."""

import re
from urllib.parse import unquote

from ...asgi_types import Scope

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE).match


def apply_target(scope: Scope, target: bytes) -> None:
    """Put an unusual request target into a scope.

    Of a URL the authority is the host, whatever Host says (RFC 9112, 3.2.2), and the rest the
    path. Anything else (``*``, an authority) stands as the path, for admission to judge.
    """
    absolute = _ABSOLUTE(target)
    rest = target
    if absolute:
        authority, rest = absolute.groups()
        _set_host(scope["headers"], authority)
        if not rest.startswith(b"/"):
            rest = b"/" + rest
    path, _, query = rest.partition(b"?")
    scope["path"] = unquote(path.decode("latin-1"))
    scope["raw_path"] = path
    scope["query_string"] = query


def _set_host(headers: list[tuple[bytes, bytes]], authority: bytes) -> None:
    # A missing Host, or a second one, stays an error; the value of the only one is replaced.
    places = [place for place, (name, _) in enumerate(headers) if name == b"host"]
    if len(places) == 1:
        headers[places[0]] = (b"host", authority)
