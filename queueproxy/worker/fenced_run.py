"""One request whose effects in one database happen once: docs/exactly-once.md.

The row of the execution is written first, the answer into it last, all in the transaction of the
effects. Who finds the row answers with what stands there.
"""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from django.db import Error, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..envelopes import Envelope
from ..exactly_once.identity import Identity
from ..exactly_once.rows import NOTHING, StoredAnswer, find, store
from ..exactly_once.sessions import Begun, Session, is_locked, session_on
from ..exceptions import BadResponse
from .elapsed import Elapsed
from .ended import (
    ANSWERED,
    DEFERRED,
    NOT_COMMITTED,
    REPEAT,
    Ended,
    Endings,
    RolledBack,
    answer_to_store,
    ended_by,
)
from .exchange import Exchange
from .forking import end_forked_child
from .incoming_body import IncomingBody
from .last_word import Start
from .problems import KEY_IN_USE, problem
from .response import CheckedAnswer

logger = logging.getLogger("queueproxy.worker")


class FencedRequest(NamedTuple):
    """A request that is to be run once.

    Attributes:
        envelope: verified; its database is one of this site.
        respond: runs it, in this thread.
        start: says, once it has been run, whether its view wanted that.
        claimed: how long ago.
        attempt: of this sending, counted from one.
        body: that it reads, where its front keeps that.
    """

    envelope: Envelope
    respond: Callable[[], Exchange]
    start: Start
    claimed: Elapsed
    attempt: int = 1
    body: "io.BufferedReader[IncomingBody] | None" = None

    @property
    def is_first(self) -> bool:
        """Whether nobody can have begun it before."""
        return self.attempt == 1 == self.envelope.head.sending

    @property
    def is_last(self) -> bool:
        """Whether it is not tried again after this."""
        return self.attempt >= self.envelope.head.max_attempts

    @property
    def body_failed(self) -> bool:
        """Whether its body could not be read."""
        return self.body is not None and self.body.raw.failed


class _Found(RolledBack):
    """There is a row."""

    def __init__(self) -> None:
        super().__init__(Ended(DEFERRED))


class _KeyTaken(RolledBack):
    """Another session has the lock of the client's key."""

    def __init__(self) -> None:
        super().__init__(Ended(DEFERRED))


class FencedRun:
    """One request, run once.

    Attributes:
        trouble: why nothing could be begun in the database; None where that went well.

    Args:
        fenced: it.
        identity: which request it is.
    """

    def __init__(self, fenced: FencedRequest, identity: Identity):
        self.trouble: Error | None = None
        self._fenced = fenced
        self._head = fenced.envelope.head
        self._database = self._head.fenced
        self._connection = connections[self._database]
        self._identity = identity
        self._ends = Endings(self._head)
        self._stored: CheckedAnswer | None = None
        self._committed = False

    def end(self) -> Ended:
        """Run it, or not; what became of it."""
        session = session_on(self._connection)
        try:
            self._connection.close_if_unusable_or_obsolete()
            session.prepare()
            ended = self._in_transaction(session, self._run_and_store)
            if ended.outcome == REPEAT and self._fenced.is_last:
                ended = self._closed(session, ended)
            return ended
        except Error as error:  # before anything was run
            self.trouble = None if is_locked(error) else error
            return Ended(DEFERRED)
        finally:
            with suppress(Error):  # it goes with the connection
                session.end()

    def _closed(self, session: Session, ended: Ended) -> Ended:
        """Make sure that nothing is committed any more, once the last attempt has failed.

        A row is written that says so, which any other attempt will find; or there is one, of a
        commit whose outcome was lost. Under a client's key that row would stand for its next
        request too.
        """
        if self._identity.has_clients_key:
            return ended
        with suppress(Error):
            self._connection.close_if_unusable_or_obsolete()
            closed = self._in_transaction(session, self._store_nothing)
            return closed._replace(exchange=ended.exchange)
        return ended

    def _in_transaction(self, session: Session, act: Callable[[], Ended]) -> Ended:
        """Write the row, do what fills it in, commit; or read the row that is there.

        Raises:
            Error: nothing was run.
        """
        try:
            with _kept_open(self._connection), transaction.atomic(using=self._database):
                transaction.on_commit(self._note_commit, using=self._database)
                self._begin(session)
                return act()
        except _Found:
            return self._found() or Ended(DEFERRED)
        except _KeyTaken:
            return self._found() or self._in_use()
        except RolledBack as end:
            return end.ended
        except BaseException as error:
            # One of the hooks that run behind the commit.
            if self._committed and self._stored is not None:
                end_forked_child(error)
                logger.exception("%s: a hook of on_commit failed", self._ends.named)
                return self._ends.answered(self._stored)
            if self._stored is None or not isinstance(error, Exception):
                raise
            return self._ends.not_committed(error)

    def _note_commit(self) -> None:
        self._committed = True

    def _begin(self, session: Session) -> None:
        """Write the row.

        Raises:
            Error: nothing can be begun now.
        """
        try:
            begun = session.begin(self._identity, self._head.hold_ms)
        except IntegrityError:
            raise _Found from None
        if begun is Begun.OTHER_REQUEST:
            raise _KeyTaken
        if begun is Begun.EARLIER_ATTEMPT:
            raise RolledBack(Ended(DEFERRED))
        if self._fenced.claimed.ms > self._head.hold_ms:
            # Nobody waits for it any more; and what a later attempt has left may be purged by now.
            raise RolledBack(Ended("abandoned"))

    def _run_and_store(self) -> Ended:
        exchange = self._ends.exchange = self._fenced.respond()
        if self._fenced.start.refused:
            raise self._ends.rolled_back(self._fenced.start.refused)
        if self._fenced.body_failed:
            # What the view made of that is no answer to the request.
            raise self._ends.rolled_back(REPEAT)
        answer = self._answer(exchange)
        if answer.status >= 500:
            raise self._ends.rolled_back(ANSWERED, answer)
        if self._connection.get_rollback():
            if answer.status >= 400:
                raise self._ends.rolled_back(ANSWERED, answer)
            raise self._ends.failed("Its transaction was broken, or to be rolled back.")
        self._stored = answer
        try:
            there = store(self._database, self._identity.key, _as_stored(answer))
        except Error as error:
            raise RolledBack(self._ends.not_committed(error)) from error
        if not there:
            logger.warning("%s is to be run again: the database has undone it.", self._ends.named)
            raise self._ends.rolled_back(REPEAT)
        return self._ends.answered(answer)

    def _store_nothing(self) -> Ended:
        store(self._database, self._identity.key, NOTHING)
        return Ended(NOT_COMMITTED)

    def _answer(self, exchange: Exchange) -> CheckedAnswer:
        try:
            return answer_to_store(exchange)
        except BadResponse as error:
            raise self._ends.failed(str(error)) from error

    def _found(self) -> Ended | None:
        """Answer with what is there, read in a transaction of its own."""
        row = find(self._database, self._identity.key)
        return ended_by(row, self._identity, self._ends.named) if row else None

    def _in_use(self) -> Ended:
        """Say that a request with the client's key runs; where that is certain.

        The session of an earlier attempt of this one may have given back the first of its locks
        and not yet the second.
        """
        return Ended(ANSWERED, problem(KEY_IN_USE)) if self._fenced.is_first else Ended(DEFERRED)


@contextmanager
def _kept_open(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep Django from closing a connection as a request begins, which it has in a transaction.

    A receiver of ``request_started`` drops each one that is not in autocommit mode.
    """
    connection.close_if_unusable_or_obsolete = lambda: None  # type: ignore[method-assign]  # for now
    try:
        yield
    finally:
        del connection.close_if_unusable_or_obsolete


def _as_stored(answer: CheckedAnswer) -> StoredAnswer:
    return StoredAnswer(answer.status, answer.headers, answer.body or b"")
