"""Reads a front's replies: reply frames of workers, and the broker's own notices."""

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import msgspec

from ..exceptions import DecodeError, ErrorReply
from ..json_text import decoded
from .link.links import AsyncLink
from .link.protocol import Arguments, Command, RedisReply, checked

BLOCK_FOR = 10.0  # seconds a read waits for replies
MARGIN = 5.0  # seconds an answer may come after the end of a block
READ_AT_ONCE = 128  # replies at most
READ_BYTES = 4 * 1024 * 1024  # of large bodies; a larger one is read alone


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
    """A reply frame as it came: not verified, not decoded.

    Attributes:
        body: None where the broker no longer has it.
    """

    version: str
    head: bytes
    body: bytes | None
    signature: bytes


Reply = RawReply | Notice | PiecesWanted


class _Entry(NamedTuple):
    """A reply as its entry tells it.

    Attributes:
        id: of the entry.
        reply: its body still to be read where that is kept beside it.
        size: bytes it counts for.
        value_name: of the value with its body, '' where there is none.
        value_size: bytes of that.
    """

    id: bytes
    reply: Reply
    size: int
    value_name: str = ""
    value_size: int = 0


# Of what is no frame, by its field.
_DECODERS: tuple[tuple[bytes, Callable[[bytes], Notice | PiecesWanted]], ...] = (
    (b"n", msgspec.json.Decoder(Notice).decode),
    (b"w", msgspec.json.Decoder(PiecesWanted).decode),
)


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
        self._untrimmed: list[_Entry] = []  # what was read and stands there still

    async def read(self) -> list[Reply]:
        """Wait for the next replies, oldest first; delete those read before on the same trip.

        Returns:
            Nothing where none came within BLOCK_FOR.

        Raises:
            BrokerUnavailable: call again.
        """
        commands: list[Command] = []
        if self._untrimmed:
            if not self._link.run_id:
                await self.trim()
            else:
                commands.append(self._link.script_command("trim_replies", *self._trimming()))
        wait = ("BLOCK", int(BLOCK_FOR * 1000))
        commands.append(
            ("XREAD", "COUNT", READ_AT_ONCE, *wait, "STREAMS", self._key, self._position)
        )
        *trimmed, found = await self._link.commands(commands, BLOCK_FOR + MARGIN)
        if self._untrimmed and trimmed and trimmed[0] != b"ok":
            await self.trim()  # another server, or one that has no scripts yet
        self._untrimmed = []
        if not checked(found):
            return []
        entries = _as_many_as_fit([_entry(*entry) for entry in found[0][1]])
        replies = await self._with_bodies(self._link, entries)
        self._position = entries[-1].id
        self._untrimmed = entries
        return replies

    async def _with_bodies(self, link: AsyncLink, entries: list[_Entry]) -> list[Reply]:
        """Read the bodies that are kept beside entries; they stay until these are trimmed."""
        beside = [entry for entry in entries if entry.value_name]
        bodies: dict[bytes, bytes | None] = {}
        while beside:
            some = _as_many_as_fit(beside)
            beside = beside[len(some) :]
            read = [("GET", link.keys.named("answer", entry.value_name)) for entry in some]
            for entry, body in zip(some, await link.commands(read), strict=True):
                bodies[entry.id] = _unless_of_another_type(body)
        return [
            entry.reply._replace(body=bodies[entry.id])
            if entry.value_name and isinstance(entry.reply, RawReply)
            else entry.reply
            for entry in entries
        ]

    async def trim(self) -> None:
        """Delete what was read; `read` does so too."""
        await self._link.script("trim_replies", *self._trimming())
        self._untrimmed = []

    def _trimming(self) -> Arguments:
        size = sum([entry.size for entry in self._untrimmed])
        names = [entry.value_name for entry in self._untrimmed if entry.value_name]
        return (self._front, _after(self._position), size, *names)

    async def catch_up(self) -> list[Reply]:
        """Read what stands there now, on the other link, while a blocking read may run."""
        found: list[Reply] = []
        position = self._position
        while True:
            read = ("XREAD", "COUNT", READ_AT_ONCE, "STREAMS", self._key, position)
            (answer,) = await self._other.commands([read])
            if not checked(answer):
                return found
            entries = [_entry(*entry) for entry in answer[0][1]]
            position = entries[-1].id
            found += await self._with_bodies(self._other, entries)

    def start_over(self) -> None:
        """Read from the beginning: the broker has lost the replies, or is another server."""
        self._position = b"0"
        self._untrimmed = []

    async def close(self) -> None:
        """Drop the link of the blocking read."""
        await self._link.close()


def _after(entry_id: bytes) -> str:
    ms, seq = entry_id.split(b"-")
    return f"{ms.decode()}-{int(seq) + 1}"


def _as_many_as_fit(entries: list[_Entry]) -> list[_Entry]:
    """Return the first of them whose large bodies are READ_BYTES together, one at least."""
    left = READ_BYTES
    for number, entry in enumerate(entries):
        left -= entry.value_size
        if left < 0 and number:
            return entries[:number]
    return entries


def _unless_of_another_type(reply: RedisReply) -> bytes | None:
    try:
        value: bytes | None = checked(reply)
        return value
    except ErrorReply as error:
        if error.code != "WRONGTYPE":
            raise
        return None  # none of ours


def _entry(id: bytes, fields: Sequence[bytes]) -> _Entry:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    size = sum(map(len, fields[1::2]))
    for field, decode in _DECODERS:
        if field in named:
            try:
                return _Entry(id, decoded(decode, named[field]), size)
            except DecodeError:
                pass  # none of ours: refused later, as any reply that can't be read
    name, raw_size = named.get(b"a", b"").decode("latin-1"), named.get(b"l", b"0")
    beside = int(raw_size[:12]) if name and raw_size.isdigit() else 0
    return _Entry(id, _raw_reply(named), size + beside, name, beside)


def _raw_reply(named: dict[bytes, bytes]) -> RawReply:
    return RawReply(
        named.get(b"v", b"").decode("latin-1"),
        named.get(b"h", b""),
        named.get(b"b", b""),
        named.get(b"s", b""),
    )
