"""Encodes what crosses the wire: request envelopes (to workers) and reply frames (to fronts).

Both are a JSON head and a raw body side by side, readable in ``redis-cli``: no pickle, no base64.
Bytes of HTTP (paths, header names and values) stand in the head as Latin-1 text, so every byte
survives. Each carries an HMAC-SHA256 (RFC 2104) over body, head, lengths and version; requests and
replies are signed with different keys, so neither passes for the other, and those of each namespace
with keys of its own. A request's head says until when it may be started.

The attempt is the broker's count: it is outside the request's signature and inside the reply's.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Sequence

import msgspec
import msgspec.structs

from .exceptions import BadSignature, DecodeError, UnknownVersion
from .json_text import decoded

WIRE_VERSION = "2"
DIGEST_OVER = 64 * 1024  # bytes

Header = tuple[str, str]


class RequestHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything about one request but its body.

    ``path`` and ``query`` are as they came, percent-encoding untouched; ``path`` includes
    ``root_path``'s part where the server left it in. ``sent`` is the front's wall clock in
    milliseconds and only informs the view (``X-Request-Start``); nothing is decided by it.
    ``max_attempts`` is 1 for a request that must never be run again. ``expires`` is the time of the
    broker's clock (ms) until which it may be started; 0 until it is signed.
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
    max_attempts: int
    sent: int
    root_path: str = ""
    client: tuple[str, int] | None = None
    server: tuple[str, int | None] | None = None
    body_size: int = 0
    chunks: int = 0
    expires: int = 0


class ReplyHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """One frame of an answer. Frame 0 has ``status`` and ``headers``; the last has ``more`` false.

    ``aborted`` ends an answer that broke after it began: the client must see it cut short.
    ``wait_ms`` and ``run_ms`` (frame 0) are the time in the queue and in Django, milliseconds.
    ``whole`` (frame 0): its end is near, whoever reads it: its front takes all of it off its
    worker, and keeps what the client has not taken. A stream's worker waits for the client.
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
    whole: bool = False


class Envelope(msgspec.Struct, frozen=True):
    """A request head with its body; ``key`` is the number of the secret it is signed with."""

    head: RequestHead
    body: bytes = b""
    key: int = 0


class Frame(msgspec.Struct, frozen=True):
    """A reply head with this frame's piece of the body."""

    head: ReplyHead
    body: bytes = b""


_encode_json = msgspec.json.Encoder().encode
_decode_request_head = msgspec.json.Decoder(RequestHead).decode
_decode_reply_head = msgspec.json.Decoder(ReplyHead).decode
_tail = struct.Struct(">QQ").pack


def digest_of(body: bytes) -> bytes:
    """Return what stands for a body in the signature: itself, or its SHA-256 where it is large.

    So a large body is signed as it streams by and never copied once more.
    """
    return body if len(body) <= DIGEST_OVER else hashlib.sha256(body).digest()


class Signer:
    """Signs with the first key, unless told, and accepts any of them (key rotation).

    Args:
        secrets: project secrets, the current one first; none at all switches signing off.
        namespace: the setting ``NAMESPACE``: what is signed for one counts in no other.
        purpose: which key is derived, e.g. ``"request"`` or ``"reply"``.
    """

    def __init__(self, secrets: Iterable[str | bytes], namespace: str, purpose: str):
        # Copied for each signature: a new one is as much work again as to sign a small head.
        self._blanks = [
            hmac.new(_derive(secret, namespace, purpose), digestmod="sha256") for secret in secrets
        ]

    def digest_of(self, body: bytes) -> bytes:
        """Return the `digest_of` a body; nothing, and no byte is hashed, where signing is off."""
        return digest_of(body) if self._blanks else b""

    def sign(self, head: bytes, digest: bytes, size: int, key: int = 0) -> bytes:
        """Return the signature, 32 bytes; empty where signing is off.

        Args:
            head: the encoded head.
            digest: `digest_of` the body.
            size: length of the body itself, which keeps a digest apart from a body alike.
            key: number of the secret to sign with.
        """
        if not self._blanks:
            return b""
        return _signature(self._blanks[key], _signed_text(head, digest, size))

    def verify(self, head: bytes, digest: bytes, size: int, signature: bytes) -> int:
        """Return the number of the secret that it is signed with; 0 where signing is off.

        Raises:
            BadSignature: it is signed with none of them.
        """
        if not self._blanks:
            return 0
        text = _signed_text(head, digest, size)
        for key, blank in enumerate(self._blanks):
            if hmac.compare_digest(_signature(blank, text), signature):
                return key
        raise BadSignature("The signature does not hold.")


def _derive(secret: str | bytes, namespace: str, purpose: str) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    label = f"queueproxy/{WIRE_VERSION}/{purpose}/{namespace}"
    return hmac.digest(raw, label.encode(), "sha256")


def _signature(blank: hmac.HMAC, text: bytes) -> bytes:
    signed = blank.copy()
    signed.update(text)
    return signed.digest()


def _signed_text(head: bytes, digest: bytes, size: int) -> bytes:
    return b"".join((digest, head, _tail(size, len(head)), WIRE_VERSION.encode()))


def encoded_head(head: RequestHead) -> bytes:
    """Encode a head as JSON, still to be signed: when it expires is not in it yet."""
    return _encode_json(msgspec.structs.replace(head, expires=0) if head.expires else head)


class Codec:
    """Encodes and decodes both directions for one set of secrets in one namespace.

    Args:
        secrets, namespace: as for Signer.
    """

    def __init__(self, secrets: Sequence[str | bytes], namespace: str):
        self._requests = Signer(secrets, namespace, "request")
        self._replies = Signer(secrets, namespace, "reply")

    def sign_request(
        self, head: bytes, expires: int, digest: bytes, body_size: int
    ) -> tuple[bytes, bytes]:
        """Sign a request; return its head as it travels, and the signature.

        Args:
            head: of `encoded_head`.
            expires: goes into the head.
            digest: `digest_of` the whole body.
            body_size: bytes of the whole body.
        """
        raw = b'%b,"expires":%d}' % (head[:-1], expires)
        return raw, self._requests.sign(raw, digest, body_size)

    def decode_request(self, version: str, head: bytes, body: bytes, signature: bytes) -> Envelope:
        """Decode an envelope; ``body`` is the whole body, chunks joined.

        Raises:
            UnknownVersion: leave it for a worker that knows the version.
            BadSignature: it is altered or forged, or signed with another key.
            DecodeError: it is malformed.
        """
        if version != WIRE_VERSION:
            raise UnknownVersion(f"Wire version {version!r} is not known here.")
        key = self._requests.verify(head, self._requests.digest_of(body), len(body), signature)
        request = decoded(_decode_request_head, head)
        if request.body_size != len(body):
            raise DecodeError("The body is not as long as the head says.")
        return Envelope(request, body, key)

    def encode_reply(self, frame: Frame, key: int = 0) -> tuple[bytes, bytes]:
        """Head and signature of one reply frame as bytes.

        Args:
            key: that of the request's envelope, which its front certainly knows: in a key rotation
                the worker may be ahead of it.
        """
        raw = _encode_json(frame.head)
        digest = self._replies.digest_of(frame.body)
        return raw, self._replies.sign(raw, digest, len(frame.body), key)

    def decode_reply(
        self, version: str, head: bytes, body: bytes | None, signature: bytes
    ) -> Frame:
        """Decode a frame, or raise DecodeError (BadSignature, UnknownVersion, as for a request).

        Args:
            body: None where the broker no longer has it.
        """
        if version != WIRE_VERSION:
            raise UnknownVersion(f"Wire version {version!r} is not known here.")
        if body is None:
            raise DecodeError("The broker no longer has the body of a frame.")
        self._replies.verify(head, self._replies.digest_of(body), len(body), signature)
        return Frame(decoded(_decode_reply_head, head), body)


class _OnlyId(msgspec.Struct):
    id: str


_decode_id = msgspec.json.Decoder(_OnlyId).decode


def claimed_reply(head: bytes) -> ReplyHead | None:
    """Read what an unverified head of a reply says, None where it can't be read. Never trust it."""
    try:
        return decoded(_decode_reply_head, head)
    except DecodeError:
        return None


def claimed_id(head: bytes) -> str:
    """Read the id an unverified head claims to be of, '' where it can't be read. Never trust it."""
    try:
        return decoded(_decode_id, head).id
    except DecodeError:
        return ""
