"""Spells what a link says to the broker and reads its answer; no I/O here.

The blocking link (workers) and the asynchronous one (fronts) differ only in how they send and read:
both drive the same conversation, a generator that yields commands and is sent their replies.
"""

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from ...exceptions import (
    BrokerRefused,
    BrokerUnavailable,
    EpochChanged,
    ErrorReply,
    Fenced,
    NotSent,
    SchemaMismatch,
    ScriptFailed,
)
from ...keys import Keys
from ...records import SCHEMA
from ..scripts import library

Argument = str | bytes | int | float
Arguments = tuple[Argument, ...]  # of a script
Command = tuple[Argument, ...]
# What redis-py makes of a reply: bytes, an integer, None, or a list of such; an ErrorReply in the
# place of an error. Whoever has sent the command knows which.
RedisReply = Any
Conversation = Generator[Sequence[Command], list[RedisReply], RedisReply]
T = TypeVar("T")

INFO: Command = ("INFO", "server")

# What scripts reply that did nothing: see `register` in scripts/_call.lua.
EPOCH = b"epoch"
OTHER_SCHEMA = b"schema "
FENCED = b"fenced"
# What redis-py raises where it can't make an exception of an error reply: ``-MOVED`` without the
# words that belong behind it, or text that is not UTF-8.
UNREADABLE = ValueError
# In the text of an error that a script met, and in no other: the server adds where it happened.
IN_A_SCRIPT = " script: "


class ScriptSession:
    """Runs scripts on the one server a link agreed on these keys with (its epoch).

    Args:
        keys: the namespace.
        lease_ms: what every lease is extended to when the epoch changes.
    """

    def __init__(self, keys: Keys, lease_ms: int):
        self.keys = keys
        self.run_id = ""
        self._lease_ms = lease_ms

    def run(self, name: str, args: Arguments, sent_ahead: Command | None = None) -> Conversation:
        """Run a script, agreeing on the epoch first where that is due; returns its reply.

        `sent_ahead` is a command that goes out before it in the same write (a blocking pop).
        """
        if not self.run_id:
            (info,) = yield [INFO]
            self.run_id = run_id_of(checked(info))
        try:
            return (yield from self._call(name, args, sent_ahead))
        except EpochChanged:
            yield from self._call("adopt", (self._lease_ms,))
            return (yield from self._call(name, args))

    def command(self, name: str, args: Arguments) -> Command:
        """Spell the command that runs a script in this epoch."""
        return ("FCALL", f"{library().name}_{name}", 1, self.keys.state, self.run_id, *args)

    def _call(self, name: str, args: Arguments, sent_ahead: Command | None = None) -> Conversation:
        command = self.command(name, args)
        *first, reply = yield [sent_ahead, command] if sent_ahead else [command]
        for other in first:
            checked(other)  # the script can be run again
        if _is_unknown_function(reply):  # a new server, or FUNCTION FLUSH; nothing was run
            loaded, reply = yield [("FUNCTION", "LOAD", "REPLACE", library().source), command]
            checked(loaded)
        return unless_disagreed(checked(reply))


def _is_unknown_function(reply: object) -> bool:
    return isinstance(reply, ErrorReply) and "Function not found" in str(reply)


def error_reply(command: Command, error: ResponseError) -> ErrorReply:
    """Make an exception of an error reply, whatever its code: no list of them could be complete."""
    text = _as_sent(error)
    kind = ScriptFailed if IN_A_SCRIPT in text else BrokerRefused
    return kind(_name_of(command), text)


def unreadable(error: ValueError) -> BrokerUnavailable:
    """Make an exception of a reply that can't be read: whether the command was run is not known."""
    return BrokerUnavailable(f"The broker's reply can't be read: {error}")


def not_connected(error: Exception) -> NotSent:
    """Why no connection could be made: none, or one that the server does not serve."""
    if isinstance(error, RedisError) and (isinstance(error, ResponseError) or error.status_code):
        first_words = "AUTH" if isinstance(error, AuthenticationError) else "the connection"
        return BrokerRefused(first_words, _as_sent(error))
    return NotSent(str(error))


def _as_sent(error: RedisError) -> str:
    """Restore the text of a reply: redis-py takes the codes that it knows off it."""
    return f"{error.status_code} {error}" if error.status_code else str(error)


def _name_of(command: Command) -> str:
    name, *words = command
    if name == "FCALL":  # which function, without the library's name
        return f"FCALL {str(words[0]).removeprefix(library().name + '_')}"
    return "FUNCTION " + str(words[0]) if name == "FUNCTION" else str(name)


def checked(reply: T | Exception) -> T:
    """Return the reply to one command.

    Raises:
        ErrorReply: it is an error. Nothing is known of how long; try again later.
    """
    if isinstance(reply, Exception):
        raise reply
    return reply


def unless_disagreed(reply: T) -> T:
    """Return the reply of a script, which has done something.

    Raises:
        EpochChanged: it found another epoch and did nothing.
        SchemaMismatch: it found another schema and did nothing.
    """
    if reply == EPOCH:
        raise EpochChanged
    if isinstance(reply, bytes) and reply.startswith(OTHER_SCHEMA):
        raise SchemaMismatch(reply[len(OTHER_SCHEMA) :].decode("utf-8", "replace"), SCHEMA)
    return reply


def refuse_other_schema(run: str | None, schema: str | None) -> None:
    """Compare what the fields ``run`` and ``schema`` of the state say with this release.

    Without ``schema`` the state is of schema 1; without ``run`` too it is empty.

    Raises:
        SchemaMismatch: the state is another release's.
    """
    found = schema or (run and "1")
    if found and found != str(SCHEMA):
        raise SchemaMismatch(found, SCHEMA)


def unless_fenced(reply: T) -> T:
    """Return the reply of a script that holds its caller to be registered.

    Raises:
        Fenced: the broker has given the caller up; nothing was done.
    """
    if reply == FENCED:
        raise Fenced
    return reply


def run_id_of(info: bytes) -> str:
    """Find the server's run_id in the answer to INFO server (Redis INFO)."""
    for line in info.splitlines():
        if line.startswith(b"run_id:"):
            return line[7:].decode()
    raise BrokerUnavailable("The broker does not tell its run_id (INFO server).")
