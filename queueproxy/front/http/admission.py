"""Which requests are refused before they are read: what the servers in front of us let through.

One request must mean the same to the client, to us and to the view (RFC 9112, 11.2).
"""

import ipaddress
import re
from functools import lru_cache

from ...http_syntax import is_token
from .refusals import BODY_TOO_LARGE, Refusal, bad_request, not_implemented

# uri-host [ ":" port ] (RFC 9110, 7.2; RFC 3986, 3.2.2). An http URI has a host (RFC 9110, 4.2.1).
_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
).fullmatch
_CONTROL = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]").search  # RFC 9110, 5.5
_MAX_DIGITS = 18  # of a Content-Length; more is too large whatever the limit


def admit(scope: dict, *, max_body: int) -> Refusal | None:
    """The refusal of a request that must not be queued, else None.

    Args:
        scope: of ASGI type ``http``.
        max_body: most bytes of body.
    """
    method, version = scope["method"], scope["http_version"]
    if not is_token(method):
        return bad_request("The method is not a token.")
    if method == "CONNECT":
        return not_implemented("CONNECT is not implemented.")
    if scope["path"][:1] != "/" and (method, scope["path"]) != ("OPTIONS", "*"):
        return bad_request("The target is neither a path nor a URL.")
    hosts, lengths, codings = [], [], []
    for name, value in scope["headers"]:
        if _CONTROL(value):
            return bad_request("A header contains a control character.")
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    return (
        _host(hosts, version)
        or (_transfer_coding(codings, lengths, version) if codings else None)
        or (_length(lengths, max_body) if lengths else None)
    )


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


def _length(lengths: list[bytes], max_body: int) -> Refusal | None:
    if len(lengths) > 1:
        return bad_request("There is more than one Content-Length.")
    digits = lengths[0]
    if not digits.isdigit():
        return bad_request("The Content-Length is not a number.")
    if len(digits) > _MAX_DIGITS or int(digits) > max_body:
        return BODY_TOO_LARGE
    return None
