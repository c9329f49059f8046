"""Tells the broker what a front has answered itself."""

from collections.abc import Mapping, Sequence

from .link.links import AsyncLink
from .link.protocol import unless_fenced


class RefusalTeller:
    """Tells of the answers of one front.

    Args:
        link: the front's own.
        front: its id.
    """

    def __init__(self, link: AsyncLink, front: str):
        self._link = link
        self._front = front

    async def keep(self, kept: int, notes: Sequence[bytes]) -> None:
        """Have the broker keep notes of requests that this front has answered itself.

        Args:
            kept: how many it keeps; see broker/answered.py.
        """
        await self._link.script("tell_refused", kept, *notes)

    async def count(self, joined: str, number: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Have it count answers that no script knows of.

        Args:
            joined: since when this front is on the list; empty where it has never been.
            number: of this telling; one is taken once, however often sent.
            counts: by queue and reason.

        Raises:
            Fenced: this front is not on the list, or not since then; nothing was counted now.
        """
        flat = [part for (queue, why), many in counts.items() for part in (queue, why, many)]
        said = self._front, joined, number
        unless_fenced(await self._link.script("count_refusals", *said, *flat))
