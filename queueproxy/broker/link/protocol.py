"""What a link says to the broker and what it makes of the answer; no I/O here.

The blocking link (workers) and the asynchronous one (fronts) differ only in how they send and read:
both drive the same conversation, a generator that yields commands and is sent their replies.
"""

from collections.abc import Generator, Sequence

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from ...exceptions import BrokerUnavailable, EpochChanged, Fenced, NotSent, SchemaMismatch
from ...keys import Keys
from ...records import SCHEMA
from ..scripts import library

Command = tuple[str | bytes | int | float, ...]
Conversation = Generator[Sequence[Command], list, object]

INFO: Command = ("INFO", "server")

# What scripts reply that did nothing: see `register` in scripts/_common.lua.
EPOCH = b"epoch"
OTHER_SCHEMA = b"schema "
FENCED = b"fenced"
# Answers of a server that will not do it now but may soon, on this connection or on another.
_TRY_LATER = (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
)


class Epoch:
    """The server a link agreed on these keys with, and how it converses with it.

    Args:
        keys: the namespace.
        lease_ms: what every lease is extended to when the epoch changes.
    """

    def __init__(self, keys: Keys, lease_ms: int):
        self.keys = keys
        self.run_id = ""
        self._lease_ms = lease_ms

    def run(self, name: str, args: tuple, before: Command | None = None) -> Conversation:
        """Run a script, agreeing on the epoch first where that is due; returns its reply.

        `before` is a command sent ahead of the script in the same write (a blocking pop).
        """
        if not self.run_id:
            (info,) = yield [INFO]
            self.run_id = run_id_of(checked(info))
        try:
            return (yield from self._call(name, args, before))
        except EpochChanged:
            yield from self._call("adopt", (self._lease_ms,))
            return (yield from self._call(name, args))

    def command(self, name: str, args: tuple) -> Command:
        """The command that runs a script in this epoch."""
        return ("FCALL", f"{library().name}_{name}", 1, self.keys.state, self.run_id, *args)

    def _call(self, name: str, args: tuple, before: Command | None = None) -> Conversation:
        command = self.command(name, args)
        *_, reply = yield [before, command] if before else [command]
        if _is_unknown_function(reply):  # a new server, or FUNCTION FLUSH; nothing was run
            loaded, reply = yield [("FUNCTION", "LOAD", "REPLACE", library().source), command]
            checked(loaded)
        return unless_disagreed(checked(reply))


def _is_unknown_function(reply: object) -> bool:
    return isinstance(reply, ResponseError) and "Function not found" in str(reply)


def unless_refused(reply: object) -> object:
    """The reply, which may be an error.

    Raises:
        NotSent: the server refuses for now (loading, read-only, out of memory, busy).
    """
    if isinstance(reply, _TRY_LATER) or (
        isinstance(reply, ResponseError) and str(reply).startswith(("BUSY", "UNKILLABLE"))
    ):
        raise NotSent(f"The broker refuses for now: {reply}")
    return reply


def checked(reply: object) -> object:
    """The reply, or the error it is.

    Raises:
        NotSent: see `unless_refused`.
        ResponseError: the command was wrong; a bug.
    """
    unless_refused(reply)
    if isinstance(reply, Exception):
        raise reply
    return reply


def unless_disagreed(reply: object) -> object:
    """The reply of a script, which has done something.

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


def unless_fenced(reply: object) -> object:
    """The reply of a script that holds its caller to be registered.

    Raises:
        Fenced: the broker has given the caller up; nothing was done.
    """
    if reply == FENCED:
        raise Fenced
    return reply


def run_id_of(info: bytes) -> str:
    """The server's run_id from the answer to INFO server (Redis INFO)."""
    for line in info.splitlines():
        if line.startswith(b"run_id:"):
            return line[7:].decode()
    raise BrokerUnavailable("The broker does not tell its run_id (INFO server).")
