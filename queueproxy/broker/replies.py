"""Reads a front's replies: reply frames of workers, and the broker's own notices."""

from typing import Annotated, NamedTuple

import msgspec

from ..exceptions import DecodeError
from ..json_text import decoded
from .link.links import AsyncLink
from .link.protocol import checked

BLOCK_FOR = 10.0  # seconds a read waits for replies
MARGIN = 5.0  # seconds an answer may come after the end of a block
READ_AT_ONCE = 128  # replies at most
READ_BYTES = 8 * 1024 * 1024  # of replies as large as the last ones


class Notice(msgspec.Struct, frozen=True):
    """The reason, told by the broker itself, why nobody answers a request.

    ``proof``: of the worker that claimed this ``entry``, that it has not run it; '' for none.
    """

    id: str
    reason: str
    attempt: int = 0
    entry: str = ""
    proof: str = ""


class PiecesWanted(msgspec.Struct, frozen=True):
    """Asked by a worker of the front that keeps a request's body: pieces `first` to before `upto`.

    ``entry`` and ``attempt`` say who asks: see ask_for_body.
    """

    id: str
    entry: str
    attempt: int
    first: Annotated[int, msgspec.Meta(ge=0)]
    upto: int


class RawReply(NamedTuple):
    """A reply frame as it came: not verified, not decoded."""

    version: str
    head: bytes
    body: bytes
    signature: bytes


Reply = RawReply | Notice | PiecesWanted

_decode_notice = msgspec.json.Decoder(Notice).decode
_decode_wanted = msgspec.json.Decoder(PiecesWanted).decode


class ReplyReader:
    """Reads one front's replies from a position, and trims behind itself.

    Nothing is lost with a connection: replies stay until the read after theirs.

    Args:
        link: for the blocking read alone.
        other: the front's other link.
        front: id of the front.
    """

    def __init__(self, link: AsyncLink, other: AsyncLink, front: str):
        self._link = link
        self._other = other
        self._front = front
        self._key = link.keys.named("replies", front)
        self._position = b"0"  # of the last reply read
        self._untrimmed = 0  # bytes of what was read and stands there still
        self._count = READ_AT_ONCE  # replies of the next read

    async def read(self) -> list[Reply]:
        """Wait for the next replies, oldest first; delete those read before on the same trip.

        Returns:
            Nothing where none came within BLOCK_FOR.

        Raises:
            BrokerUnavailable: call again.
        """
        commands: list = []
        if self._untrimmed:
            if not self._link.run_id:
                await self.trim()
            else:
                commands.append(self._link.script_command(*self._trimming()))
        wait = ("BLOCK", int(BLOCK_FOR * 1000))
        commands.append(
            ("XREAD", "COUNT", self._count, *wait, "STREAMS", self._key, self._position)
        )
        *trimmed, found = await self._link.commands(commands, BLOCK_FOR + MARGIN)
        if trimmed and trimmed[0] != b"ok":
            await self.trim()  # another server, or one that has no scripts yet
        self._untrimmed = 0
        if not checked(found):
            return []
        entries = found[0][1]
        self._position = entries[-1][0]
        replies = [_reply(fields) for _, fields in entries]
        self._untrimmed = sum(sum(map(len, fields[1::2])) for _, fields in entries)
        self._adjust(replies)
        return replies

    async def trim(self) -> None:
        """Delete what was read; `read` does so too."""
        await self._link.script(*self._trimming())
        self._untrimmed = 0

    def _trimming(self) -> tuple:
        return ("trim_replies", self._front, _after(self._position), self._untrimmed)

    def _adjust(self, replies: list[Reply]) -> None:
        # A read is in memory two or three times until its frames are handed out.
        size = sum([len(reply.body) for reply in replies if isinstance(reply, RawReply)])
        fitting = READ_BYTES * len(replies) // size if size else READ_AT_ONCE
        self._count = min(READ_AT_ONCE, max(1, fitting))

    async def catch_up(self) -> list[Reply]:
        """Read what stands there now, on the other link, while a blocking read may run."""
        found: list[Reply] = []
        position = self._position
        while True:
            read = ("XREAD", "COUNT", READ_AT_ONCE, "STREAMS", self._key, position)
            (answer,) = await self._other.commands([read])
            if not checked(answer):
                return found
            entries = answer[0][1]
            position = entries[-1][0]
            found += [_reply(fields) for _, fields in entries]

    def start_over(self) -> None:
        """Read from the beginning: the broker has lost the replies, or is another server."""
        self._position = b"0"
        self._untrimmed = 0

    async def close(self) -> None:
        """Drop the link of the blocking read."""
        await self._link.close()


def _after(entry_id: bytes) -> str:
    ms, seq = entry_id.split(b"-")
    return f"{ms.decode()}-{int(seq) + 1}"


def _reply(fields: list) -> Reply:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    for field, decode in ((b"n", _decode_notice), (b"w", _decode_wanted)):
        if field in named:
            try:
                return decoded(decode, named[field])
            except DecodeError:
                pass  # none of ours: refused later, as any reply that can't be read
    return RawReply(
        named.get(b"v", b"").decode("latin-1"),
        named.get(b"h", b""),
        named.get(b"b", b""),
        named.get(b"s", b""),
    )
