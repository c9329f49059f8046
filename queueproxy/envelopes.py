"""What crosses the wire: request envelopes (front to worker) and reply frames (worker to front).

Both are a JSON head and a raw body side by side, readable in ``redis-cli``: no pickle, no base64.
Bytes of HTTP (paths, header names and values) stand in the head as Latin-1 text, so every byte
survives. Each carries an HMAC-SHA256 (RFC 2104) over body, head, lengths and version; requests and
replies are signed with different keys, so neither passes for the other.

The attempt is the broker's count: it is outside the request's signature and inside the reply's.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Sequence

import msgspec

from .exceptions import DecodeError, UnknownVersion

WIRE_VERSION = "1"
DIGEST_OVER = 64 * 1024  # bytes

Header = tuple[str, str]


class RequestHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything about one request but its body.

    ``path`` and ``query`` are as they came, percent-encoding untouched; ``path`` includes
    ``root_path``'s part where the server left it in. ``sent`` is the front's wall clock in
    milliseconds and only informs the view (``X-Request-Start``); nothing is decided by it.
    """

    id: str
    request_id: str
    method: str
    path: str
    query: str
    headers: list[Header]
    scheme: str
    http_version: str
    front: str
    queue: str
    hold_ms: int
    repeatable: bool
    sent: int
    root_path: str = ""
    client: tuple[str, int] | None = None
    server: tuple[str, int | None] | None = None
    body_size: int = 0
    chunks: int = 0


class ReplyHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """One frame of an answer. Frame 0 has ``status`` and ``headers``; the last has ``more`` false.

    ``aborted`` ends an answer that broke after it began: the client must see it cut short.
    ``wait_ms`` and ``run_ms`` (frame 0) are the time in the queue and in Django, milliseconds.
    """

    id: str
    attempt: int
    seq: int
    status: int = 0
    headers: list[Header] = []
    more: bool = False
    aborted: bool = False
    wait_ms: float = 0.0
    run_ms: float = 0.0


class Envelope(msgspec.Struct, frozen=True):
    """A request head with the body as it travels: inline, or ``head.chunks`` chunks beside it."""

    head: RequestHead
    body: bytes = b""


class Frame(msgspec.Struct, frozen=True):
    """A reply head with this frame's piece of the body."""

    head: ReplyHead
    body: bytes = b""


_encode_json = msgspec.json.Encoder().encode
_decode_request_head = msgspec.json.Decoder(RequestHead).decode
_decode_reply_head = msgspec.json.Decoder(ReplyHead).decode
_tail = struct.Struct(">QQ").pack


class Signer:
    """Signs with the first key and accepts any of them (key rotation).

    Args:
        secrets: project secrets, the current one first; none at all switches signing off.
        purpose: which key is derived, e.g. ``"request"`` or ``"reply"``.
    """

    def __init__(self, secrets: Iterable[str | bytes], purpose: str):
        self._keys = [_derive(secret, purpose) for secret in secrets]

    def sign(self, head: bytes, body: bytes) -> bytes:
        """The signature, 32 bytes; empty where signing is off."""
        if not self._keys:
            return b""
        return hmac.digest(self._keys[0], _signed_text(head, body), "sha256")

    def verify(self, head: bytes, body: bytes, signature: bytes) -> None:
        """Raise DecodeError unless the signature is by one of the keys."""
        if not self._keys:
            return
        text = _signed_text(head, body)
        for key in self._keys:
            if hmac.compare_digest(hmac.digest(key, text, "sha256"), signature):
                return
        raise DecodeError("The signature does not hold.")


def _derive(secret: str | bytes, purpose: str) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(raw, f"queueproxy/{WIRE_VERSION}/{purpose}".encode(), "sha256")


def _signed_text(head: bytes, body: bytes) -> bytes:
    lengths = _tail(len(body), len(head))
    if len(body) > DIGEST_OVER:
        # By digest, so that neither side has to copy a large body once more. The true length in
        # the tail keeps this apart from a small body that happens to be that digest.
        body = hashlib.sha256(body).digest()
    return b"".join((body, head, lengths, WIRE_VERSION.encode()))


class Codec:
    """Encodes and decodes both directions for one set of secrets.

    Args:
        secrets: as for Signer.
    """

    def __init__(self, secrets: Sequence[str | bytes] = ()):
        self._requests = Signer(secrets, "request")
        self._replies = Signer(secrets, "reply")

    def encode_request(self, head: RequestHead, body: bytes = b"") -> tuple[bytes, bytes]:
        """Head and signature as bytes. ``body`` is the whole body, chunked or not."""
        raw = _encode_json(head)
        return raw, self._requests.sign(raw, body)

    def decode_request(self, version: str, head: bytes, body: bytes, signature: bytes) -> Envelope:
        """The envelope, or DecodeError; ``body`` is the whole body, chunks joined.

        Raises:
            UnknownVersion: leave it for a worker that knows the version.
            DecodeError: it is malformed, altered or forged.
        """
        if version != WIRE_VERSION:
            raise UnknownVersion(f"Wire version {version!r} is not known here.")
        self._requests.verify(head, body, signature)
        decoded = _decode(_decode_request_head, head)
        if decoded.body_size != len(body):
            raise DecodeError("The body is not as long as the head says.")
        return Envelope(decoded, body)

    def encode_reply(self, frame: Frame) -> tuple[bytes, bytes]:
        """Head and signature of one reply frame as bytes."""
        raw = _encode_json(frame.head)
        return raw, self._replies.sign(raw, frame.body)

    def decode_reply(self, version: str, head: bytes, body: bytes, signature: bytes) -> Frame:
        """The frame, or DecodeError (UnknownVersion where the version is not known)."""
        if version != WIRE_VERSION:
            raise UnknownVersion(f"Wire version {version!r} is not known here.")
        self._replies.verify(head, body, signature)
        return Frame(_decode(_decode_reply_head, head), body)


def _decode(decoder, raw: bytes):
    try:
        return decoder(raw)
    except msgspec.MsgspecError as error:
        raise DecodeError(f"The head is not what it should be: {error}") from error
