"""Reads through the entries of a queue, or the dead letters, piece by piece and without bodies."""

from collections.abc import Iterator

from ..link.links import Link

DEAD = ""  # in the place of a queue's name: the dead letters

Entry = tuple[str, dict[bytes, bytes]]


def entries(
    link: Link, queue: str, text: str = "", *, newest_first: bool = False
) -> Iterator[Entry]:
    """Yield id and fields of each entry, waiting and running ones alike.

    There is one call for every few hundred that are looked through.

    Args:
        link: its owner's; used between two entries.
        queue: its name, or DEAD.
        text: to be found in the head, which is JSON; empty for all.

    Raises:
        BrokerUnavailable: it could not be asked.
        SchemaMismatch: its state is another release's.
    """
    after = b""
    while True:
        reply = link.script("search", queue, int(newest_first), after, text)
        after, *found = reply
        for id, flat in zip(found[::2], found[1::2], strict=True):
            yield id.decode(), dict(zip(flat[::2], flat[1::2], strict=True))
        if not after:
            return
