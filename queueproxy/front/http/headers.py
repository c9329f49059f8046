"""Reads and writes headers, the request id, and the client's address."""

import ipaddress
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

from ...asgi_types import Scope
from ...envelopes import Header
from ...http_syntax import BODILESS, HOP_BY_HOP

RawHeader = tuple[bytes, bytes]
Address = tuple[str, int | None]  # of a client; the path of a unix socket has no port

_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)
# And what is settled here (Expect) or set by the front itself.
_NOT_FORWARDED = _HOP_BY_HOP | {b"expect", b"x-request-id", b"x-request-start", b"daphne-root-path"}
# Whatever Connection says. Without them a request would mean something else, or come from somebody
# else: a proxy passes a client's Connection on beside what it has set itself.
_ALWAYS_KEPT = frozenset(
    (
        *(b"host", b"content-length", b"content-type", b"authorization", b"cookie", b"origin"),
        *(b"forwarded", b"via", b"x-real-ip", b"traceparent", b"tracestate", b"remote-user"),
    )
)
_KEPT_PREFIX = b"x-forwarded-"
_FORWARDING = frozenset((b"forwarded", b"via", b"x-real-ip"))
_NOT_RETURNED = _HOP_BY_HOP | {b"x-request-id"}
_NONE: frozenset[bytes] = frozenset()
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}").fullmatch

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNIX = "unix:"  # in ``TRUSTED_PROXIES``: whoever comes over a unix socket
Trusted = Sequence[Network | str]


class Peer(NamedTuple):
    """The client's address and scheme, as far as those who tell it are trusted."""

    client: tuple[str, int] | None
    scheme: str


def forwardable_request_headers(scope: Scope) -> list[Header]:
    """List the client's headers for the view, in order; names with ``_`` pose as others and go."""
    dropped = _NOT_FORWARDED
    headers = scope["headers"]
    for name, value in headers:
        if name == b"connection":
            dropped = dropped | {name for name in _listed(value) if not _is_always_kept(name)}
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name not in dropped and b"_" not in name
    ]


def _is_always_kept(name: bytes) -> bool:
    return name in _ALWAYS_KEPT or name.startswith(_KEPT_PREFIX)


def _listed(value: bytes) -> set[bytes]:
    return {part.strip().lower() for part in value.split(b",")}


def request_id(headers: Iterable[RawHeader]) -> str:
    """Return the client's ``X-Request-ID`` if it is well-formed, else a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _WELL_FORMED_ID(text):
                return text
            break
    return secrets.token_hex(16)


def raw_path(scope: Scope) -> str:
    """Return the path as the client sent it, percent-encoding untouched, without the query."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:  # optional in ASGI
        return _quote(scope["path"])
    return raw.decode("latin-1").partition("?")[0]


def _quote(path: str) -> str:
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%?#" else f"%{byte:02X}"
        for byte in path.encode()
    )


def parse_networks(proxies: Iterable[str]) -> tuple[Network | str, ...]:
    """``TRUSTED_PROXIES`` as networks, with `UNIX` as it is.

    Raises:
        ValueError: one of them is neither an address nor a network.
    """
    return tuple(proxy if proxy == UNIX else ipaddress.ip_network(proxy) for proxy in proxies)


def peer_of(scope: Scope, trusted: Trusted) -> Peer:
    """Resolve the client's address and scheme.

    ``X-Forwarded-For`` and ``X-Forwarded-Proto`` count only from a trusted proxy; of a list the
    right-most address that is not itself a trusted proxy, for those left of it can be made up.
    """
    client = tuple(scope["client"]) if scope.get("client") else None
    scheme = scope.get("scheme", "http")
    if not trusted or not peer_is_among(client, trusted):
        return Peer(client, scheme)
    proto = _parts(scope, b"x-forwarded-proto")
    if proto and proto[-1] in ("http", "https"):
        scheme = proto[-1]
    for part in reversed(_parts(scope, b"x-forwarded-for")):
        address = _address(_without_port(part))
        if address is None:
            break
        client = (str(address), 0)
        if not _is_trusted(address, trusted):
            break
    return Peer(client, scheme)


def peer_is_among(client: Address | None, addresses: Trusted) -> bool:
    """Whether an address, as in the scope or a `Peer`, is one of these."""
    # A peer on a unix socket has no address, and some servers write it as an empty one.
    if client is None or not client[0]:
        return UNIX in addresses
    return _is_trusted(_address(client[0]), addresses)


def is_forwarded_by_stranger(scope: Scope, trusted: Trusted) -> bool:
    """Whether a proxy that is not trusted says, or a client pretends, that it forwards this."""
    client = scope.get("client")
    if peer_is_among(client and tuple(client), trusted):
        return False
    return bool(forwarding_headers(scope))


def forwarding_headers(scope: Scope) -> list[str]:
    """Name the headers by which a proxy says that it forwards this, each once, in order."""
    names = (name for name, _ in scope["headers"])
    found = (name for name in names if name in _FORWARDING or name.startswith(_KEPT_PREFIX))
    return [name.decode("latin-1") for name in dict.fromkeys(found)]


def _parts(scope: Scope, wanted: bytes) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


@lru_cache(maxsize=4096)
def _address(text: str) -> IPAddress | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # as a dual-stack socket shows IPv4


def _is_trusted(address: IPAddress | None, trusted: Trusted) -> bool:
    return address is not None and any(address in network for network in trusted if network != UNIX)


def reply_headers(
    headers: Iterable[Header],
    request_id: str,
    *,
    status: int = 200,
    server_adds: frozenset[bytes] = _NONE,
) -> list[RawHeader]:
    """List a view's headers as they go out: of the answer, not of a connection, and each once.

    One Date, the request id, nothing the server adds itself. Where a status has no body a length
    other than 0 goes: servers hold an application to the length it announces.
    """
    dropped = _NOT_RETURNED | server_adds if server_adds else _NOT_RETURNED
    result = []
    dated = b"date" in server_adds
    for name, value in headers:
        raw = name.lower().encode("latin-1")
        if raw == b"connection":
            dropped = dropped | _listed(value.encode("latin-1"))
        if raw == b"content-length" and status in BODILESS and value != "0":
            continue
        dated = dated or raw == b"date"
        result.append((raw, value.encode("latin-1")))
    result = [header for header in result if header[0] not in dropped]
    if not dated:
        result.append(date_header())
    result.append((b"x-request-id", request_id.encode("latin-1")))
    return result


def date_header() -> RawHeader:
    """Spell the Date of now."""
    return (b"date", _date(int(time.time())))


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
