"""Builds the ASGI scope (HTTP connection scope, ASGI 3.0) of a request envelope."""

from collections.abc import Iterable

from ...asgi_types import Scope
from ...envelopes import Header, RequestHead
from ...exceptions import DecodeError
from ..environ import DEFAULT_PORTS, path_below_root

RawHeader = tuple[bytes, bytes]


def build_scope(head: RequestHead) -> Scope:
    """Build the scope for one request, as a plain server would have.

    Header names are in lower case. Repeated Cookie headers are joined with a semicolon.
    ``x-request-id`` and ``x-request-start`` are the front's, whatever the client sent.

    Raises:
        DecodeError: the path or a header is no bytes: no front of ours wrote it.
    """
    root = head.root_path.rstrip("/")
    path = path_below_root(head).decode("utf-8", "replace")
    try:
        headers = _headers(head)
        raw_path, query = head.path.encode("latin-1"), head.query.encode("latin-1")
    except UnicodeEncodeError as error:
        raise DecodeError(f"A header is not made of bytes: {error}") from error
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.http_version,
        "method": head.method,
        "scheme": head.scheme,
        "path": root + path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": root,
        "headers": headers,
        "client": head.client and list(head.client),
        "server": _server(head),
    }


def _server(head: RequestHead) -> list[str | int] | None:
    if head.server is None:
        return None
    name, port = head.server
    return [name, port or int(DEFAULT_PORTS.get(head.scheme, "0"))]


def _headers(head: RequestHead) -> list[RawHeader]:
    given = list(_lowered(head.headers))
    ours = {b"x-request-id", b"x-request-start", b"cookie", b"content-length"}
    headers = [header for header in given if header[0] not in ours]
    cookies = [value for name, value in given if name == b"cookie"]
    if cookies:
        headers.append((b"cookie", b"; ".join(cookies)))
    if head.body_size or any(name == b"content-length" for name, _ in given):
        headers.append((b"content-length", b"%d" % head.body_size))
    headers.append((b"x-request-id", head.request_id.encode("latin-1")))
    headers.append((b"x-request-start", b"t=%d" % head.sent))
    return headers


def _lowered(headers: Iterable[Header]) -> Iterable[RawHeader]:
    for name, value in headers:
        yield name.lower().encode("latin-1"), value.encode("latin-1")
