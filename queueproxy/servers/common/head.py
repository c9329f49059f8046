"""Reads the head of a request, line and headers, strictly (RFC 9112, 2 to 6).

What two programs could read in two ways is refused: a lone CR or LF, a folded line, a name that
is not a token, framing that contradicts itself.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from ...asgi_types import Scope
from ...front.http import refusals
from ...front.http.admission import framing_refusal
from ...front.http.headers import Address, RawHeader
from ...front.http.refusals import Refusal
from ...http_syntax import is_token
from . import limits
from .target import apply_target

END = b"\r\n\r\n"

_NOT_HTTP = refusals.bad_request("The request is not valid HTTP.")
# A target has neither controls nor a fragment, nor bytes that must be percent-encoded (RFC 3986).
_LINE = re.compile(rb"([^ ]+) ([!\"$-~]+) HTTP/([0-9])\.([0-9])").fullmatch
_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\r\n")
_LONE = re.compile(rb"(?<!\r)\n|\r[^\n]").search
_TOKEN_CHARACTERS = frozenset(byte for byte in range(128) if is_token(chr(byte)))


class Head(NamedTuple):
    """A request without its body. Names are in lower case, versions ``1.0`` or ``1.1``."""

    method: str
    target: bytes
    version: str
    headers: list[RawHeader]
    keep_alive: bool
    expects_continue: bool
    length: int | None  # bytes of body; None where it comes in chunks

    def values(self, wanted: bytes) -> list[bytes]:
        """List the values of one header, in order."""
        return [value for name, value in self.headers if name == wanted]

    def asks_for_websocket(self) -> bool:
        """Whether this is the handshake of a websocket (RFC 6455, 4.1)."""
        return (
            self.method == "GET"
            and self.length == 0
            and self.version == "1.1"
            and b"websocket" in _tokens(self.values(b"upgrade"))
            and b"upgrade" in _tokens(self.values(b"connection"))
        )


def premature_refusal(part: bytearray) -> Refusal | None:
    """Return the refusal of a head that is not complete and never can be, else None."""
    if part[0] not in _TOKEN_CHARACTERS and part != b"\r":
        return _NOT_HTTP
    if b"\r\n" not in part and len(part) > limits.MAX_LINE:
        return refusals.TARGET_TOO_LONG
    if len(part) >= limits.MAX_HEADERS or part.count(b"\r\n") > limits.MAX_FIELDS + 1:
        return refusals.HEADERS_TOO_LARGE
    return _NOT_HTTP if _LONE(part) else None


def parse_head(raw: bytes) -> Head | Refusal:
    """Parse a whole head, up to and with the empty line that ends it."""
    breaks = raw.count(b"\r\n")
    if raw.count(b"\n") != breaks or raw.count(b"\r") != breaks:
        return _NOT_HTTP
    line, *fields = raw[: -len(END)].split(b"\r\n")
    if len(line) > limits.MAX_LINE:
        return refusals.TARGET_TOO_LONG
    if len(raw) > limits.MAX_HEADERS or len(fields) > limits.MAX_FIELDS:
        return refusals.HEADERS_TOO_LARGE
    if len(raw.translate(None, _CONTROLS)) != len(raw):
        return refusals.bad_request("The request contains a control character.")
    match = _LINE(line)
    headers = parse_fields(fields)
    if match is None or headers is None or not is_token(match[1].decode("latin-1")):
        return _NOT_HTTP
    if match[3] != b"1" or match[4] not in b"01":
        return refusals.VERSION_UNKNOWN
    return _with_framing(match[1].decode(), match[2], f"1.{match[4].decode()}", headers)


def parse_fields(lines: list[bytes]) -> list[RawHeader] | None:
    """Parse header or trailer lines to lower-case names and values; None where one is not valid."""
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        name = _field_name(name)
        if not colon or not name:
            return None
        headers.append((name, value.strip(b" \t")))
    return headers


@lru_cache(maxsize=1024)
def _field_name(name: bytes) -> bytes:
    return name.lower() if is_token(name.decode("latin-1")) else b""


def _with_framing(
    method: str, target: bytes, version: str, headers: list[RawHeader]
) -> Head | Refusal:
    connection, lengths, codings, expect = [], [], [], b""
    for name, value in headers:
        if name == b"connection":
            connection.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"expect":
            expect = value.lower()
    refusal = framing_refusal(codings, lengths, version)
    if refusal is not None:
        return refusal
    persistent = version == "1.1" and (not connection or b"close" not in _tokens(connection))
    length = None if codings else int(lengths[0]) if lengths else 0
    expects_continue = expect == b"100-continue" and version == "1.1"
    return Head(method, target, version, headers, persistent, expects_continue, length)


def _tokens(values: list[bytes]) -> set[bytes]:
    return {token.strip().lower() for token in b",".join(values).split(b",")}


def http_scope(head: Head, client: Address | None, server: Address | None) -> Scope:
    """Make the ASGI scope of a request.

    Args:
        head: of the request.
        client: address and port it comes from; None over a unix socket.
        server: address and port it came to.
    """
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "scheme": "http",
        "root_path": "",
        "headers": head.headers,
        "client": client,
        "server": server,
    }
    target = head.target
    if target.startswith(b"/"):
        path, _, scope["query_string"] = target.partition(b"?")
        scope["raw_path"] = path
        text = path.decode("ascii")
        scope["path"] = unquote(text) if "%" in text else text
    else:
        apply_target(scope, target)
    return scope
