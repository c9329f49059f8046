"""Tells which requests are the same one: by their id, or by the key that a client has sent.

The header ``Idempotency-Key`` is that of draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.http import parse_cookie

from ..envelopes import Envelope, Header, RequestHead

HEADER = "idempotency-key"
# A string of RFC 8941 (3.3.3) without escapes, or the same without quotation marks.
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')


class KeyMalformed(ValueError):
    """The Idempotency-Key is none: one string of 1 to 255 visible ASCII characters."""

    def __str__(self) -> str:
        return self.__doc__ or type(self).__name__  # without docstrings: ``python -OO``


class Identity(NamedTuple):
    """Which request this is.

    Attributes:
        request: its id, as its front has made it.
        key: of its row: its id; or, where the client sent a key, a hash of that and of who sent it
            to which site.
        fingerprint: a hash of what is asked for; empty without a client's key.
    """

    request: str
    key: str
    fingerprint: str = ""

    @property
    def has_clients_key(self) -> bool:
        """Whether other requests may have the same row."""
        return self.key != self.request


def identity_of(envelope: Envelope, session_cookie: str) -> Identity:
    """Find out which request this is.

    Args:
        envelope: verified.
        session_cookie: the name of the cookie that tells who a client is.

    Raises:
        KeyMalformed: its client sent a key that is none.
    """
    head = envelope.head
    sent = list(_values(head.headers, HEADER))
    if not sent:
        return Identity(head.id, head.id)
    match = _KEY.fullmatch(sent[0].strip(" \t")) if len(sent) == 1 else None
    if match is None:
        raise KeyMalformed
    key = _hash(*_scope(head, session_cookie), match[1] or match[2])
    return Identity(head.id, key, _fingerprint(envelope))


def has_key(headers: Iterable[Header]) -> bool:
    """Whether a request came with a key, well-formed or not."""
    return any(True for _ in _values(headers, HEADER))


def _scope(head: RequestHead, session_cookie: str) -> Iterator[str]:
    """Yield what tells which site is asked, and who the client is, as it was received."""
    for host in ("host", "x-forwarded-host"):
        yield "\n".join(_values(head.headers, host)).lower()
    yield "\n".join(_values(head.headers, "authorization"))
    cookies = parse_cookie("; ".join(_values(head.headers, "cookie")))
    yield cookies.get(session_cookie, "")


def _fingerprint(envelope: Envelope) -> str:
    head = envelope.head
    whole = hashlib.sha256(envelope.body).digest() if envelope.body else b""
    body = envelope.digests or whole
    return _hash(head.method, head.path, head.query, str(head.body_size), body.hex())


def _values(headers: Iterable[Header], wanted: str) -> Iterator[str]:
    return (value for name, value in headers if name.lower() == wanted)


def _hash(*parts: str) -> str:
    """Hash texts so that no two lists of them come to the same."""
    told = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        told.update(b"%d:%b" % (len(raw), raw))
    return told.hexdigest()
