"""Encodes a request for the broker; it is signed as it is sent."""

import re
from typing import NamedTuple

import msgspec

from ..envelopes import Codec, RequestHead, encoded_head
from ..records import Meta, pack
from ..signing import WIRE_VERSION, digest_of

_decode_head = msgspec.json.Decoder(RequestHead).decode


class EncodedRequest(msgspec.Struct, frozen=True):
    """One request on its way to the broker.

    Attributes:
        queue: its queue.
        meta: for the scripts; until the request is signed, ``size`` is that of ``body`` alone.
        head: of `encoded_head`.
        body: what stands beside the head: the whole body, or the digests of the pieces of one that
            the front keeps.
        digest: `digest_of` that.
        sending: as in the head.
        once: whether its effects happen once, however often it is started.
    """

    queue: str
    meta: Meta
    head: bytes
    body: bytes
    digest: bytes
    sending: int = 1
    once: bool = False

    @property
    def id(self) -> str:
        return self.meta.id

    @property
    def sent(self) -> int:
        """When its front took it in, as the head says it."""
        return _decode_head(self.head).sent

    def within(self, hold_ms: int) -> "EncodedRequest":
        """Copy it, to be started so soon or never."""
        return msgspec.structs.replace(self, meta=self.meta._replace(hold_ms=hold_ms))

    def anew(self, hold_ms: int) -> "EncodedRequest":
        """Copy it as another sending (see RequestHead), to be started so soon or never."""
        sending = self.sending + 1
        head = msgspec.structs.replace(_decode_head(self.head), sending=sending)
        return msgspec.structs.replace(
            self.within(hold_ms), head=encoded_head(head), sending=sending
        )

    def fenced(self, database: str, max_attempts: int) -> "EncodedRequest":
        """Copy it as one that happens once in a database, and may be started so often."""
        head = msgspec.structs.replace(
            _decode_head(self.head), fenced=database, max_attempts=max_attempts
        )
        meta = self.meta._replace(max_attempts=max_attempts)
        return msgspec.structs.replace(self, meta=meta, head=encoded_head(head), once=True)

    def signed(self, codec: Codec, expires: int) -> tuple[str, str, str, bytes, bytes, bytes]:
        """Sign it, and list the arguments of the script ``enqueue`` for one request.

        Args:
            expires: until when it may be started (ms of the broker's clock).
        """
        size = self.meta.size
        head, signature = codec.sign_request(self.head, expires, self.digest, size)
        meta = self.meta._replace(size=size + len(head))
        return (self.queue, pack(meta), WIRE_VERSION, head, self.body, signature)


class GroupLimit(NamedTuple):
    """The group of a request and its limit, as the fields of a Meta."""

    group: str | None
    at_most: int


NO_GROUP = GroupLimit(None, 0)


def group_limit(head: RequestHead) -> GroupLimit:
    """Return the group that a head names, as a word: a record has no white space in its fields."""
    if not head.group or head.at_most < 1:
        return NO_GROUP
    word = re.sub(r"\s", "_", head.group)
    return GroupLimit("_" if word == "-" else word, head.at_most)


def encode_request(head: RequestHead, queue: str, body: bytes) -> EncodedRequest:
    """Encode a request.

    Args:
        head: of the request.
        queue: to put it on.
        body: what stands beside the head (see RequestHead).
    """
    meta = Meta(
        id=head.id,
        front=head.front,
        hold_ms=head.hold_ms,
        size=len(body),
        piece_size=head.piece_size,
        max_attempts=head.max_attempts,
        **group_limit(head)._asdict(),
        release=head.release or None,
    )
    return EncodedRequest(
        queue, meta, encoded_head(head), body, digest_of(body), once=bool(head.fenced)
    )
