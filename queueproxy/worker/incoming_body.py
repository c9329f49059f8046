"""The body of a request whose front keeps it, as a view reads it: ``wsgi.input`` (PEP 3333)."""

import hashlib
import io
import logging
import time

from ..backoff import Backoff
from ..broker.piece_reader import PieceReader
from ..envelopes import PIECE_DIGEST, Envelope
from ..exceptions import BodyUnreadable, BrokerUnavailable, SchemaMismatch

logger = logging.getLogger("queueproxy.worker")

PATIENCE = 30.0  # seconds a piece may take to come, those in which the broker is away not counted
ASK_AGAIN = 1.0  # seconds after which a piece is asked for again
BUFFER = 64 * 1024  # bytes: what Django reads at once


def incoming_body(reader: PieceReader, envelope: Envelope) -> io.BufferedReader:
    """Make the file that a view reads the body from; nothing is fetched before it is read."""
    return io.BufferedReader(IncomingBody(reader, envelope), BUFFER)


class IncomingBody(io.RawIOBase):
    """Fetches the pieces one after another, and gives no byte out that its digest does not prove.

    Reading raises BodyUnreadable, an OSError, of which Django makes its UnreadablePostError.

    Args:
        reader: of the claim.
        envelope: verified; its digests are those of the pieces.
    """

    def __init__(self, reader: PieceReader, envelope: Envelope):
        self._reader = reader
        self._head = envelope.head
        self._digests = envelope.digests
        self._number = 0  # of the next piece
        self._piece = memoryview(b"")  # what is left of the last one

    def readable(self) -> bool:
        """Do what files do."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer with the next bytes, as far as they are at hand; 0 at the end."""
        if not self._piece and self._size_of_next():
            self._piece = memoryview(self._verified(self._next()))
            self._number += 1
        taken = self._piece[: len(buffer)]
        buffer[: len(taken)] = taken
        self._piece = self._piece[len(taken) :]
        return len(taken)

    def _size_of_next(self) -> int:
        head = self._head
        return max(0, min(head.piece_size, head.body_size - self._number * head.piece_size))

    def _next(self) -> bytes:
        """Wait for the next piece, however long the broker is away."""
        backoff, again = Backoff(), False
        asked = begun = time.monotonic()
        while time.monotonic() < begun + PATIENCE:
            try:
                piece = self._reader.read(self._number, again=again)
            except BrokerUnavailable:
                time.sleep(backoff.failed())
                begun = time.monotonic()
                continue
            except SchemaMismatch as error:
                raise BodyUnreadable from error
            if piece is not None:
                return piece
            again = time.monotonic() >= asked + ASK_AGAIN
            if again:
                asked = time.monotonic()
        logger.error(
            "The front of request %s does not hand its body over: it can't be read on.",
            self._head.request_id,
        )
        raise BodyUnreadable("The front does not hand the request's body over.")

    def _verified(self, piece: bytes) -> bytes:
        at = self._number * PIECE_DIGEST
        digest = self._digests[at : at + PIECE_DIGEST]
        if len(piece) != self._size_of_next() or (
            digest and hashlib.sha256(piece).digest() != digest
        ):
            logger.error(
                "The body of request %s was altered in the broker: a view can't read it on.",
                self._head.request_id,
            )
            raise BodyUnreadable("A piece of the request's body was altered.")
        return piece
