"""The records that stand in the broker as one string each: what their fields are, in which order.

A record is its fields with one space between them. Python and the scripts both read and write them
by the descriptions below (`parse`, `pack`, `lua_source`): a further field is written down here, in
its place, and used where it is needed (a lease's gets its first value in `start` of
settle_and_claim.lua); nothing else. A change of any of them, or of what a key of
keys.py means, is a new SCHEMA.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

from .exceptions import DecodeError

# Of the state as a whole: keys, members and records. The state's own number stands in its field
# ``schema`` (a state without it is of schema 1); processes of another schema refuse to use it.
SCHEMA = 8
DIGEST = "90a6bc6a60a53de2"  # of `lua_source`: other records are another schema (test_schema.py)

R = TypeVar("R", bound=NamedTuple)


class _Kind(NamedTuple):
    """Writes and reads values of one kind.

    Attributes:
        pattern: of the text; a Lua pattern too, once ``\\`` is ``%`` there.
        pack, parse: in Python, to the text and back.
        lua_pack, lua_parse: the same as Lua expressions of ``{0}``.
    """

    pattern: str
    pack: Callable[[Any], str]
    parse: Callable[[str], Any]
    lua_pack: str = "{0}"
    lua_parse: str = "{0}"


Word = Annotated[str, _Kind(r"\S+", str, str)]
OptionalWord = Annotated[
    str | None,
    _Kind(
        r"\S+",
        lambda word: "-" if word is None else word,
        lambda text: None if text == "-" else text,
        "({0} or '-')",
        "{0} ~= '-' and {0} or nil",
    ),
]
# Most numbers are only handed on by the scripts and stay text there: to read and write numbers is a
# good part of what a call costs. They count with `Counted` ones, of at most 14 digits: what Lua
# writes in full.
Number = Annotated[int, _Kind(r"\d+", str, int)]
Counted = Annotated[int, _Kind(r"\d+", str, int, "{0}", "tonumber({0})")]
Flag = Annotated[
    bool,
    _Kind(
        r"[01]", lambda on: "01"[on], lambda text: text == "1", "({0} and '1' or '0')", "{0} == '1'"
    ),
]


class Meta(NamedTuple):
    """A request as enqueued, as far as scripts need to know: field ``m`` of its stream entry."""

    id: Word
    """The request."""
    front: Word
    """Who holds its client and wants its answer."""
    hold_ms: Number
    """How long after its arrival (field ``c`` of the entry) it may be started."""
    size: Number
    """Bytes it counts for in the broker while it waits: its head, and the body of its entry."""
    piece_size: Number
    """Bytes of each piece (the last may have fewer) of a body that its front keeps; else 0."""
    max_attempts: Number
    """How often it may be started at most; 1 for what must never be run again."""
    group: OptionalWord = None
    """The group it belongs to, None for none: see Group."""
    at_most: Number = 0
    """How many of its group may run at once for it to be started; 0 without a group."""
    release: OptionalWord = None
    """The release whose workers alone may start it, active or not; None for the active one."""


class Held(NamedTuple):
    """A request the broker holds for a front: a value of ``held:<front>``, by request id."""

    queue: Word
    """Its queue."""
    entry: Word
    """Its entry in the queue's stream."""
    size: Number
    """As in Meta."""
    slot: OptionalWord
    """The slot that runs it, None while it waits."""
    group: OptionalWord = None
    """As in Meta."""


class Lease(NamedTuple):
    """A request in flight: a value of ``leases``, by slot (``worker/thread``)."""

    id: Word
    """The request."""
    attempt: Counted
    """1 for the first time it is run."""
    claimed_ms: Number
    """When it was claimed, by the lease clock."""
    call: Word
    """Number of the thread's call that claimed it: the same call sent again gets it again."""
    queue: Word
    """Its queue."""
    entry: Word
    """Its entry in the queue's stream."""
    size: Number
    """As in Meta."""
    piece_size: Number
    """As in Meta."""
    front: Word
    """As in Meta."""
    max_attempts: Number
    """As in Meta."""
    streamed: Flag
    """Whether a part of its answer, whole or stream, has gone out: then it is never run again."""
    body_read: Counted
    """Pieces of its body that its worker has read; they are deleted."""
    body_asked: Counted
    """Pieces that its worker has asked for, those read included; the others count in ``bytes``."""
    group: OptionalWord = None
    """As in Meta."""


class Group(NamedTuple):
    """Requests of which at most so many run at once, over all workers: a value of ``groups``."""

    at_most: Counted
    """How many may run, as the request said that was enqueued last."""
    running: Counted
    """How many leases are of it."""
    waiting: Counted
    """How many of its requests wait, wherever they stand."""
    size: Counted
    """Bytes for which those that wait count in the broker."""


class Activation(NamedTuple):
    """Which release serves: field ``activation`` of the state; missing where none ever was."""

    number: Counted
    """Larger than that of any before: the time (ms, Redis) at which a person asked for it."""
    active: OptionalWord = None
    """The release whose workers claim; None for all of them."""
    previous: OptionalWord = None
    """The one before, which a rollback makes active again."""


RECORDS = (Meta, Held, Lease, Group, Activation)


@cache
def _kinds(record: type[R]) -> dict[str, _Kind]:
    hints = get_type_hints(record, include_extras=True)
    return {field: hints[field].__metadata__[0] for field in record._fields}


@cache
def _reader(record: type[R]) -> tuple[re.Pattern[str], tuple[Callable[[str], Any], ...]]:
    kinds = _kinds(record).values()
    pattern = " ".join(f"({kind.pattern})" for kind in kinds)
    # ASCII: what is a space and a digit to Lua.
    return re.compile(pattern, re.ASCII), tuple(kind.parse for kind in kinds)


def pack(record: NamedTuple) -> str:
    """Write the record as text.

    Raises:
        ValueError: a field is empty, has a space in it, or is not what it is declared as.
    """
    kinds = _kinds(type(record)).values()
    text = " ".join([kind.pack(value) for kind, value in zip(kinds, record, strict=True)])
    if not _reader(type(record))[0].fullmatch(text):
        raise ValueError(f"Can't be written as a record: {record!r}")
    return text


def parse(record: type[R], text: str | bytes) -> R:
    """Parse the record that a text is; bytes are UTF-8.

    Raises:
        DecodeError: it is no record of that type.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    pattern, parsers = _reader(record)
    match = pattern.fullmatch(text)
    if match is None:
        raise DecodeError(f"Not a {record.__name__.lower()}: {text[:100]!r}")
    try:
        return record._make(
            [read(word) for read, word in zip(parsers, match.groups(), strict=True)]
        )
    except ValueError as error:  # a number of thousands of digits
        raise DecodeError(f"Not a {record.__name__.lower()}: {error}") from error


def lua_source() -> str:
    """Write two Lua functions for each record: ``parse_meta(text)`` and ``pack_meta(record)``, ...

    In Lua a record is a table of its fields; what is no record is parsed to nil.
    """
    return "\n".join(_lua_parse(record) + _lua_pack(record) for record in RECORDS)


def _lua_parse(record: type[R]) -> str:
    kinds = _kinds(record)
    names = ", ".join(kinds)
    pattern = " ".join(f"({kind.pattern})" for kind in kinds.values()).replace("\\", "%")
    fields = "".join(
        f"    {name} = {kind.lua_parse.format(name)},\n" for name, kind in kinds.items()
    )
    first = next(iter(kinds))
    return (
        f"local function parse_{record.__name__.lower()}(text)\n"
        f"  local {names} = string.match(text or '', '^{pattern}$')\n"
        f"  return {first} and {{\n{fields}  }}\n"
        "end\n"
    )


def _lua_pack(record: type[R]) -> str:
    fields = [kind.lua_pack.format(f"record.{name}") for name, kind in _kinds(record).items()]
    written = " .. ' ' .. ".join(fields)
    return f"local function pack_{record.__name__.lower()}(record)\n  return {written}\nend\n"
