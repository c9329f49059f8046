"""Reads values of the broker that are only shown: one bad value must not hide all the others.

Anybody who can reach the broker may have written there. What can't be read has a default, and is
counted, so that people are told.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from ...exceptions import BrokerRefused, DecodeError
from ...json_text import decoded
from ...records import parse
from ..link.links import Link
from ..link.protocol import Command, RedisReply, checked

T = TypeVar("T")
R = TypeVar("R", bound=NamedTuple)

# Numbers in JSON and in records. What is larger is nobody's count or time, and would not fit into
# a float or a date where it is shown.
LARGEST = 10**15
Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=LARGEST)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=10**11)]  # a time of day, until the year 5138
# Members of ``returned`` among which the oldest are looked for: those that are put off stand in the
# order of their times to be started. A second later each is at another place.
RETURNED_SEEN = 256
SMALLEST = 1e-6  # of numbers that are divided by

_NUMBER = re.compile(r"-?\d{1,15}", re.ASCII)
_ENTRY = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
# The command was right, what it met or was made of is not.
_OF_THE_VALUE = frozenset({"WRONGTYPE", "ERR"})
_NO_ANSWER: dict[str, RedisReply] = {"HLEN": 0, "XLEN": 0}


class ValueReader:
    """Asks a link, and reads what it answers; `unreadable` is how many values could not be read.

    Args:
        link: its owner's.
    """

    def __init__(self, link: Link):
        self._link = link
        self.keys = link.keys
        self.unreadable = 0

    def ask(self, commands: Sequence[Command]) -> list[RedisReply]:
        """Return the replies; an empty one where a key, or a part of a command, is not of its type.

        The state is not forgiven: without it nothing is known.

        Raises:
            BrokerUnavailable: it could not be asked.
        """
        replies = self._link.commands(commands) if commands else []
        return [
            self._reply(command, reply) for command, reply in zip(commands, replies, strict=True)
        ]

    def _reply(self, command: Command, reply: RedisReply) -> RedisReply:
        of_value = isinstance(reply, BrokerRefused) and reply.code in _OF_THE_VALUE
        if not of_value or len(command) == 1 or command[1] == self.keys.state:
            return checked(reply)
        nothing = [None] * (len(command) - 2) if command[0] == "HMGET" else []
        return self._unreadable(_NO_ANSWER.get(str(command[0]), nothing))

    def number(self, raw: str | bytes | None) -> int:
        """Return the integer of at most 15 digits that it is; 0 where there is none."""
        if raw is None:
            return 0
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        return int(text) if _NUMBER.fullmatch(text) else self._unreadable(0)

    def positive(self, raw: str | None) -> float:
        """Return the number above 0 that it is; 0 where there is none, or it is 0."""
        try:
            value = float(raw or 0)
        except ValueError:
            return self._unreadable(0.0)
        fits = math.isfinite(value) and (value == 0 or SMALLEST <= value <= LARGEST)
        return value if fits else self._unreadable(0.0)

    def text(self, raw: bytes | None) -> str:
        """Decode UTF-8; empty where it is none."""
        try:
            return (raw or b"").decode()
        except UnicodeDecodeError:
            return self._unreadable("")

    def texts(self, raws: Iterable[bytes]) -> list[str]:
        """Decode each, and leave out what is no UTF-8 or empty."""
        return [text for text in map(self.text, raws) if text]

    def json(self, decode: Callable[[bytes], T], raw: bytes | None, default: T) -> T:
        """Return what the ``decode`` of a msgspec decoder makes of it."""
        if raw is None:
            return default
        try:
            return decoded(decode, raw)
        except DecodeError:
            return self._unreadable(default)

    def jsons(self, decode: Callable[[bytes], T], raws: Iterable[bytes]) -> list[T]:
        """Decode each, and leave out what can't be read."""
        found = (self.json(decode, raw, None) for raw in raws)
        return [value for value in found if value is not None]

    def record(self, kind: type[R], text: str | bytes) -> R | None:
        """Parse a record; None where it is none."""
        try:
            found = parse(kind, text)
        except DecodeError:
            return self._unreadable(None)
        fits = all(value <= LARGEST for value in found if isinstance(value, int))
        return found if fits else self._unreadable(None)

    def entries(self, members: Iterable[bytes]) -> list[str]:
        """Return the entry ids that members of ``returned`` stand for, first come first."""
        found = []
        for member in sorted(members):
            match = _ENTRY.fullmatch(member.decode("utf-8", "replace"))
            if match:
                found.append(f"{match[1]}-{int(match[2])}")
            else:
                self._unreadable(None)
        return found

    def _unreadable(self, default: T) -> T:
        self.unreadable += 1
        return default
