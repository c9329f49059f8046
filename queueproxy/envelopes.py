"""Encodes what crosses the wire: request envelopes (to workers) and reply frames (to fronts).

Both are a JSON head and a raw body side by side, readable in ``redis-cli``: no pickle, no base64.
Bytes of HTTP (paths, header names and values) stand in the head as Latin-1 text, so every byte
survives. Both are signed (signing.py). A request's head says until when it may be started.

The attempt is the broker's count: it is outside the request's signature and inside the reply's.
"""

import re
from collections.abc import Sequence

import msgspec
import msgspec.structs

from .exceptions import DecodeError, UnknownVersion
from .json_text import decoded
from .signing import WIRE_VERSION, Signer

PIECE_DIGEST = 32  # bytes of a SHA-256
PIECE_SIZE = 512 * 1024  # bytes of the pieces of a body that its front keeps
LARGEST_PIECE = 1024 * 1024  # bytes; other releases may cut otherwise

Header = tuple[str, str]


class RequestHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything about one request but its body.

    ``path`` and ``query`` are as they came, percent-encoding untouched; ``path`` includes
    ``root_path``'s part where the server left it in. ``sent`` is the front's wall clock in
    milliseconds and only informs the view (``X-Request-Start``); nothing is decided by it.
    ``max_attempts`` is 1 for a request that must never be run again. ``expires`` is the time of the
    broker's clock (ms) until which it may be started; 0 until it is signed. ``sending`` is 1 more
    each time its front sends it anew since a worker has refused it for its time: see `NotRun`. Of
    its ``group`` (``""`` for none) no more than ``at_most`` are to run at the same time. For
    a view that says ``exactly_once``, ``fenced`` is the alias of the database; else ``""``. Only
    workers of its ``release`` may run it; ``""``: of the active one.

    ``body_size`` is that of the whole body. Where there is a ``piece_size``, the front keeps the
    body, and hands it over in pieces of so many bytes once the request runs: what stands beside the
    head is the SHA-256 of each piece, in order; nothing where signing is off.
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
    piece_size: int = 0
    expires: int = 0
    group: str = ""
    at_most: int = 0
    fenced: str = ""
    sending: int = 1
    release: str = ""


class ReplyHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """One frame of an answer. Frame 0 has ``status`` and ``headers``; the last has ``more`` false.

    ``aborted`` ends an answer that broke after it began: the client must see it cut short.
    ``wait_ms`` and ``run_ms`` (frame 0) are the time in the queue and in Django, milliseconds.
    ``worker`` (frame 0) is the id of the process that ran it; nothing is decided by it.
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
    worker: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """A request head with its body; ``secret_index`` is that of the secret it is signed with.

    The body is empty where the front keeps it; then ``digests`` are those of its pieces.
    """

    head: RequestHead
    body: bytes = b""
    secret_index: int = 0
    digests: bytes = b""


class Frame(msgspec.Struct, frozen=True):
    """A reply head with this frame's piece of the body."""

    head: ReplyHead
    body: bytes = b""


class NotRun(msgspec.Struct, frozen=True):
    """A worker's word that it has refused a request, and has not run it.

    For its time; or since its view wants it run exactly once in a ``database``, which its front did
    not know.

    Of one entry, one attempt and one sending (see RequestHead): once the front has sent the request
    anew, what was said of the sending before says nothing of it.
    """

    id: str
    entry: str
    attempt: int
    sending: int
    database: str = ""


_encode_json = msgspec.json.Encoder().encode
_decode_request_head = msgspec.json.Decoder(RequestHead).decode
_decode_reply_head = msgspec.json.Decoder(ReplyHead).decode
_proof_parts = re.compile(r"([0-9]{1,9}) ((?:[0-9a-f]{2})*)(?: (\S+))?").fullmatch


def pieces_of(head: RequestHead) -> int:
    """Count the pieces in which the front hands the body over; 0 where it stands in the entry."""
    return -(-head.body_size // head.piece_size) if head.piece_size else 0


def _check_digests(head: RequestHead, digests: bytes, *, signed: bool) -> None:
    if not 0 < head.piece_size <= LARGEST_PIECE or head.body_size < 1:
        raise DecodeError("The pieces of the body have no possible size.")
    if len(digests) != (pieces_of(head) * PIECE_DIGEST if signed else 0):
        raise DecodeError("There are not as many digests as the body has pieces.")


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
        self._refusals = Signer(secrets, namespace, "refused")

    @property
    def signs(self) -> bool:
        """Whether signing is on: else no digest of anything is needed."""
        return self._requests.signs

    def sign_request(
        self, head: bytes, expires: int, digest: bytes, body_size: int
    ) -> tuple[bytes, bytes]:
        """Sign a request; return its head as it travels, and the signature.

        Args:
            head: of `encoded_head`.
            expires: goes into the head.
            digest: `digest_of` what goes beside the head.
            body_size: bytes of that.
        """
        raw = b'%b,"expires":%d}' % (head[:-1], expires)
        return raw, self._requests.sign(raw, digest, body_size)

    def decode_request(self, version: str, head: bytes, body: bytes, signature: bytes) -> Envelope:
        """Decode an envelope; ``body`` is what stands beside the head.

        Raises:
            UnknownVersion: leave it for a worker that knows the version.
            BadSignature: it is altered or forged, or signed with another key.
            DecodeError: it is malformed.
        """
        if version != WIRE_VERSION:
            raise UnknownVersion(f"Wire version {version!r} is not known here.")
        secret_index = self._requests.verify(
            head, self._requests.digest_of(body), len(body), signature
        )
        request = decoded(_decode_request_head, head)
        if request.piece_size:
            _check_digests(request, body, signed=self._requests.signs)
            return Envelope(request, b"", secret_index, body)
        if request.body_size != len(body):
            raise DecodeError("The body is not as long as the head says.")
        return Envelope(request, body, secret_index)

    def encode_reply(self, frame: Frame, secret_index: int = 0) -> tuple[bytes, bytes]:
        """Head and signature of one reply frame as bytes.

        Args:
            secret_index: that of the request's envelope, which its front certainly knows: in a
                key rotation the worker may be ahead of it.
        """
        raw = _encode_json(frame.head)
        digest = self._replies.digest_of(frame.body)
        return raw, self._replies.sign(raw, digest, len(frame.body), secret_index)

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

    def prove_not_run(self, word: NotRun, secret_index: int = 0) -> str:
        """Sign a worker's word; return the proof: sending, signature in hex, perhaps a database.

        Args:
            secret_index: as for `encode_reply`.
        """
        signature = self._refusals.sign(_encode_json(word), b"", 0, secret_index).hex()
        proof = f"{word.sending} {signature}"
        return f"{proof} {word.database}" if word.database else proof

    def read_not_run(self, id: str, entry: str, attempt: int, proof: str) -> NotRun:
        """Verify a proof for what it is said to be of.

        Raises:
            DecodeError: it is none, or of another request, entry or attempt.
        """
        parts = _proof_parts(proof)
        if parts is None:
            raise DecodeError("Not the proof that a request was not run.")
        word = NotRun(id, entry, attempt, int(parts[1]), parts[3] or "")
        self._refusals.verify(_encode_json(word), b"", 0, bytes.fromhex(parts[2]))
        return word


class _OnlyId(msgspec.Struct):
    id: str


_decode_id = msgspec.json.Decoder(_OnlyId).decode


def unverified_reply(head: bytes) -> ReplyHead | None:
    """Read what an unverified head of a reply says, None where it can't be read. Never trust it."""
    try:
        return decoded(_decode_reply_head, head)
    except DecodeError:
        return None


def unverified_id(head: bytes) -> str:
    """Read the id an unverified head claims to be of, '' where it can't be read. Never trust it."""
    try:
        return decoded(_decode_id, head).id
    except DecodeError:
        return ""
