"""The body of a request whose front keeps it, as an application on an event loop receives it."""

import asyncio

from ...broker.piece_reader import ReadPiece
from ...envelopes import Envelope
from ...exceptions import BodyUnreadable, BrokerUnavailable, SchemaMismatch
from ..incoming_body import CheckedPieces, Patience


class AsyncIncomingBody:
    """Does what `IncomingBody` does, piece by piece, for one task at a time.

    Args:
        read: of the claim.
        envelope: as of `CheckedPieces`.
    """

    def __init__(self, read: ReadPiece, envelope: Envelope):
        self._read = read
        self._pieces = CheckedPieces(envelope)

    @property
    def has_more(self) -> bool:
        """Whether there is a further piece."""
        return self._pieces.size_of_next > 0

    async def next(self) -> bytes:
        """Wait for the next piece, however long the broker is away.

        Raises:
            BodyUnreadable: it does not come, was altered, or nobody waits for the answer.
        """
        patience = Patience()
        while not patience.is_over:
            try:
                piece = await self._read(self._pieces.number, patience.again)
            except BrokerUnavailable:
                await asyncio.sleep(patience.broker_is_away())
                continue
            except SchemaMismatch as error:
                raise BodyUnreadable from error
            if piece is not None:
                return self._pieces.take(piece)
            patience.nothing_came()
        raise self._pieces.missing()
