"""Refuses, before it is read, what the servers in front of us let through.

One request must mean the same to the client, to us and to the view (RFC 9112, 11.2).
"""

import ipaddress
import re
from functools import lru_cache

from ...asgi_types import Scope
from ...http_syntax import is_token
from .refusals import (
    BODY_TOO_LARGE,
    VERSION_UNKNOWN,
    Refusal,
    bad_request,
    not_implemented,
)

# uri-host [ ":" port ] (RFC 9110, 7.2; RFC 3986, 3.2.2). An http URI has a host (RFC 9110, 4.2.1).
_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
).fullmatch
_CONTROL = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]").search  # RFC 9110, 5.5
_NOT_IN_A_PATH = re.compile(rb"[\0-\x20\x7f#]").search  # RFC 3986, 3.3
_VERSIONS = frozenset(("1.0", "1.1", "2", "2.0", "3"))  # as ASGI servers write them
_MAX_DIGITS = 18  # of a Content-Length; more is too large whatever the limit


def admit(scope: Scope, *, max_body: int) -> Refusal | None:
    """Return the refusal of a request that must not be queued, else None.

    Args:
        scope: of ASGI type ``http``.
        max_body: most bytes of body.
    """
    method, version = scope["method"], scope["http_version"]
    if not is_token(method):
        return bad_request("The method is not a token.")
    if version not in _VERSIONS:
        return VERSION_UNKNOWN
    if method == "CONNECT":
        return not_implemented("CONNECT is not implemented.")
    if scope["path"][:1] != "/" and (method, scope["path"]) != ("OPTIONS", "*"):
        return bad_request("The target is neither a path nor a URL.")
    if _NOT_IN_A_PATH(scope.get("raw_path") or b""):
        return bad_request("The path contains what a path can't.")
    hosts, lengths, codings, upgrades = [], [], [], []
    for name, value in scope["headers"]:
        if _CONTROL(value):
            return bad_request("A header contains a control character.")
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"upgrade":
            upgrades.append(value)
    return (
        _host(hosts, version)
        or framing_refusal(codings, lengths, version)
        or (BODY_TOO_LARGE if lengths and int(lengths[0]) > max_body else None)
        or (_websocket(upgrades, scope["headers"]) if upgrades else None)
    )


def framing_refusal(codings: list[bytes], lengths: list[bytes], version: str) -> Refusal | None:
    """Return the refusal of a request whose end is not clear, else None (RFC 9112, 6.3).

    Args:
        codings: values of Transfer-Encoding.
        lengths: values of Content-Length.
        version: ``1.0``, ``1.1`` …
    """
    if codings:
        return _transfer_coding(codings, lengths, version)
    return _length(lengths) if lengths else None


def _websocket(upgrades: list[bytes], headers: list[tuple[bytes, bytes]]) -> Refusal | None:
    # As a plain request it would be answered by a page, and its client would wait for a socket.
    asked = any(b"websocket" in value.lower() for value in upgrades)
    if asked and any(name == b"sec-websocket-key" for name, _ in headers):
        return not_implemented("There are no websockets here.")
    return None


def _host(hosts: list[bytes], version: str) -> Refusal | None:
    if len(hosts) > 1:
        return bad_request("There is more than one Host.")
    if not hosts:
        return None if version in ("0.9", "1.0") else bad_request("There is no Host.")
    return None if is_authority(hosts[0]) else bad_request("The Host is not valid.")


@lru_cache(maxsize=1024)
def is_authority(value: bytes) -> bool:
    """Whether this is a host, perhaps with a port."""
    match = _AUTHORITY(value.decode("latin-1"))
    if match is None:
        return False
    return match["v6"] is None or _is_ipv6(match["v6"])


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _transfer_coding(codings: list[bytes], lengths: list[bytes], version: str) -> Refusal | None:
    if lengths:
        return bad_request("Content-Length and Transfer-Encoding contradict each other.")
    if version == "1.0":  # RFC 9112, 6.1: its framing is faulty
        return bad_request("HTTP/1.0 has no Transfer-Encoding.")
    if b",".join(codings).strip().lower() != b"chunked":
        return not_implemented("Only the chunked transfer coding is implemented.")
    return None


def _length(lengths: list[bytes]) -> Refusal | None:
    if len(lengths) > 1:
        return bad_request("There is more than one Content-Length.")
    digits = lengths[0]
    if not digits.isdigit():
        return bad_request("The Content-Length is not a number.")
    return BODY_TOO_LARGE if len(digits) > _MAX_DIGITS else None
