"""Builds the WSGI environ (PEP 3333) of a request envelope, as a plain server would have.

The stock test client's ``generic()`` parses the path again, unquotes it twice and fills in defaults
of its own; this takes everything from the envelope.
"""

import sys
from collections.abc import Iterable
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from ..envelopes import Header, RequestHead
from ..exceptions import DecodeError

Environ = dict[str, Any]  # as PEP 3333 has it

_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
DEFAULT_PORTS = {"http": "80", "https": "443"}
_names: dict[str, str] = {}
_MOST_NAMES = 1024  # clients choose header names: the cache of their environ names is bounded


def build_environ(head: RequestHead, body: BinaryIO) -> Environ:
    """Build the environ for one request, with what its body is read from.

    A header name with ``_`` is dropped: it would stand for another's variable. Repeated headers are
    joined with a comma, Cookie with a semicolon. ``HTTP_X_REQUEST_ID`` and ``HTTP_X_REQUEST_START``
    are the front's, whatever the client sent.

    Raises:
        DecodeError: the path is no bytes: no front of ours wrote it.
    """
    server_name, server_port = head.server or ("unknown", None)
    environ: Environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": _wsgi(head.root_path),
        "PATH_INFO": _path_info(head),
        "QUERY_STRING": head.query,
        "RAW_URI": f"{head.path}?{head.query}" if head.query else head.path,
        "SERVER_NAME": server_name,
        "SERVER_PORT": str(server_port or DEFAULT_PORTS.get(head.scheme, "")),
        "SERVER_PROTOCOL": f"HTTP/{head.http_version}",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": head.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if head.client:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = head.client[0], str(head.client[1])
        environ["REMOTE_HOST"] = head.client[0]
    _add_headers(environ, head.headers)
    if head.body_size or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(head.body_size)
    environ["HTTP_X_REQUEST_ID"] = head.request_id
    environ["HTTP_X_REQUEST_START"] = f"t={head.sent}"
    return environ


def _add_headers(environ: Environ, headers: Iterable[Header]) -> None:
    for name, value in headers:
        key = _names.get(name) or _environ_name(name)
        if key == "":
            continue
        if key not in environ:
            environ[key] = value
        elif key == "HTTP_COOKIE":
            environ[key] += "; " + value
        else:
            environ[key] += "," + value


def _environ_name(name: str) -> str:
    lowered = name.lower()
    if "_" in lowered:
        return ""
    key = _UNPREFIXED.get(lowered) or "HTTP_" + lowered.upper().replace("-", "_")
    if len(_names) < _MOST_NAMES:
        _names[name] = key
    return key


def _path_info(head: RequestHead) -> str:
    return path_below_root(head).decode("latin-1")


def path_below_root(head: RequestHead) -> bytes:
    """Return the path without its percent-encoding and without ``root_path``.

    Raises:
        DecodeError: it is no bytes: no front of ours wrote it.
    """
    try:
        path = head.path.encode("latin-1")
    except UnicodeEncodeError as error:
        raise DecodeError(f"The path is not made of bytes: {error}") from error
    if b"%" in path:
        path = unquote_to_bytes(path)
    root = head.root_path.encode()
    if root and (path == root or path.startswith(root.rstrip(b"/") + b"/")):
        path = path[len(root.rstrip(b"/")) :]
    return path


def _wsgi(text: str) -> str:
    return text.encode().decode("latin-1")
