"""Hands a worker pieces of a body that its front keeps: see piece_reader.py."""

from collections.abc import Sequence

from .link.links import AsyncLink
from .link.protocol import checked
from .piece_reader import GONE, piece_key
from .replies import PiecesWanted

PIECE_LIVES = 30_000  # ms a piece of a body waits for its worker, which may ask for it again


async def hand_over(
    link: AsyncLink, front: str, wanted: PiecesWanted, pieces: Sequence[bytes]
) -> bool:
    """Give a worker pieces of a body, `wanted.first` and those after it; again at will.

    Args:
        link, front: of the front.

    Returns:
        False where that attempt is over: nothing is left there.

    Raises:
        BrokerUnavailable: call again.
    """
    attempt = (wanted.id, wanted.entry, wanted.attempt)
    keys = [piece_key(link.keys, *attempt, wanted.first + number) for number in range(len(pieces))]
    sets = [("SET", key, piece, "PX", PIECE_LIVES) for key, piece in zip(keys, pieces, strict=True)]
    call = ("hand_over", front, *attempt, wanted.first, wanted.first + len(pieces))
    *done, told = await link.commands([*sets, link.script_command(*call)], bulky=True)
    for reply in done:
        checked(reply)
    if told not in (b"ok", GONE):
        told = await link.script(*call)  # another server, or one that has no scripts yet
    if told == GONE:
        await link.commands([("DEL", *keys)])
    return bool(told != GONE)
