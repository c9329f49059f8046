"""The body of a request whose front keeps it, as a view reads it: ``wsgi.input`` (PEP 3333)."""

import hashlib
import io
import logging
import time
from typing import TYPE_CHECKING

from ..backoff import Backoff
from ..broker.piece_reader import PieceReader
from ..envelopes import PIECE_DIGEST, Envelope
from ..exceptions import BodyUnreadable, BrokerUnavailable, SchemaMismatch

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

logger = logging.getLogger("queueproxy.worker")

PATIENCE = 30.0  # seconds a piece may take to come, those in which the broker is away not counted
ASK_AGAIN = 1.0  # seconds after which a piece is asked for again
BUFFER = 64 * 1024  # bytes: what Django reads at once


def incoming_body(reader: PieceReader, envelope: Envelope) -> "io.BufferedReader[IncomingBody]":
    """Make the file that a view reads the body from; nothing is fetched before it is read."""
    return io.BufferedReader(IncomingBody(reader, envelope), BUFFER)


class CheckedPieces:
    """Holds the pieces of a body, one after another, to the digests in its signed head.

    Attributes:
        number: of the next piece.

    Args:
        envelope: verified; its digests are those of the pieces.
    """

    def __init__(self, envelope: Envelope):
        self._head = envelope.head
        self._digests = envelope.digests
        self.number = 0

    @property
    def size_of_next(self) -> int:
        """Bytes of the next piece; 0 at the end."""
        head = self._head
        return max(0, min(head.piece_size, head.body_size - self.number * head.piece_size))

    def take(self, piece: bytes) -> bytes:
        """Return the next piece as it came.

        Raises:
            BodyUnreadable: it is not what the client sent.
        """
        at = self.number * PIECE_DIGEST
        digest = self._digests[at : at + PIECE_DIGEST]
        if len(piece) != self.size_of_next or (digest and hashlib.sha256(piece).digest() != digest):
            logger.error(
                "The body of request %s was altered in the broker: a view can't read it on.",
                self._head.request_id,
            )
            raise BodyUnreadable("A piece of the request's body was altered.")
        self.number += 1
        return piece

    def missing(self) -> BodyUnreadable:
        """Say that the next piece does not come."""
        logger.error(
            "The front of request %s does not hand its body over: it can't be read on.",
            self._head.request_id,
        )
        return BodyUnreadable("The front does not hand the request's body over.")


class Patience:
    """Knows how long one piece is waited for, and when it is asked for again.

    Attributes:
        again: whether to ask once more.
    """

    def __init__(self) -> None:
        self.again = False
        self._backoff = Backoff()
        self._asked = self._begun = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it has not come within PATIENCE."""
        return time.monotonic() >= self._begun + PATIENCE

    def nothing_came(self) -> None:
        """Note that the piece was not there."""
        self.again = time.monotonic() >= self._asked + ASK_AGAIN
        if self.again:
            self._asked = time.monotonic()

    def broker_is_away(self) -> float:
        """Begin anew; seconds to wait before that."""
        delay = self._backoff.failed()
        self._begun = time.monotonic() + delay
        return delay


class IncomingBody(io.RawIOBase):
    """Fetches the pieces one after another, and gives no byte out that its digest does not prove.

    Reading raises BodyUnreadable, an OSError, of which Django makes its UnreadablePostError.

    Attributes:
        failed: whether it has.

    Args:
        reader: of the claim.
        envelope: as of `CheckedPieces`.
    """

    def __init__(self, reader: PieceReader, envelope: Envelope):
        self._reader = reader
        self._pieces = CheckedPieces(envelope)
        self._piece = memoryview(b"")  # what is left of the last one
        self.failed = False

    def readable(self) -> bool:
        """Do what files do."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer with the next bytes, as far as they are at hand; 0 at the end."""
        if not self._piece and self._pieces.size_of_next:
            try:
                self._piece = memoryview(self._pieces.take(self._next()))
            except BodyUnreadable:
                self.failed = True
                raise
        room = memoryview(buffer)
        taken = self._piece[: len(room)]
        room[: len(taken)] = taken
        self._piece = self._piece[len(taken) :]
        return len(taken)

    def _next(self) -> bytes:
        """Wait for the next piece, however long the broker is away."""
        patience = Patience()
        while not patience.is_over:
            try:
                piece = self._reader.read(self._pieces.number, again=patience.again)
            except BrokerUnavailable:
                time.sleep(patience.broker_is_away())
                continue
            except SchemaMismatch as error:
                raise BodyUnreadable from error
            if piece is not None:
                return piece
            patience.nothing_came()
        raise self._pieces.missing()
