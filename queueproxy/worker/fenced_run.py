"""One request whose effects in one database happen once: docs/exactly-once.md.

The row of the execution is written first, the answer into it last, all in the transaction of the
effects. Who finds the row answers with what stands there.
"""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from ..envelopes import Envelope
from ..exactly_once.identity import Identity
from ..exactly_once.rows import StoredAnswer, find, store
from ..exactly_once.sessions import Begun, Session, session_on
from ..exceptions import BadResponse
from .elapsed import Elapsed
from .ended import ANSWERED, DEFERRED, REPEAT, Ended, answer_to_store, ended_by
from .exchange import Exchange
from .forking import end_forked_child
from .last_word import Start
from .problems import KEY_IN_USE, SERVER_ERROR, problem
from .response import CheckedAnswer

logger = logging.getLogger("queueproxy.worker")

# What a database says no with. Any other error is of a connection, whatever a driver raises
# then, or of what did not go through this time.
_REFUSED = (IntegrityError, DataError, ProgrammingError, InternalError, NotSupportedError)


class FencedRequest(NamedTuple):
    """A request that is to be run once.

    Attributes:
        envelope: verified; its database is one of this site.
        respond: runs it, in this thread.
        start: says, once it has been run, whether its view wanted that.
        claimed: how long ago.
        body: that it reads, where its front keeps that.
    """

    envelope: Envelope
    respond: Callable[[], Exchange]
    start: Start
    claimed: Elapsed
    body: io.BufferedReader | None = None

    @property
    def body_failed(self) -> bool:
        """Whether its body could not be read."""
        return self.body is not None and self.body.raw.failed


class _RolledBack(Exception):
    """Ends the transaction without a commit.

    Args:
        ended: what becomes of the request.
    """

    def __init__(self, ended: Ended):
        self.ended = ended


class _Found(_RolledBack):
    """There is a row."""

    def __init__(self):
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
        self._exchange: Exchange | None = None
        self._stored: CheckedAnswer | None = None
        self._committed = False

    def end(self) -> Ended:
        """Run it, or not; what became of it."""
        session = session_on(self._connection)
        try:
            self._connection.close_if_unusable_or_obsolete()
            session.prepare()
            ended = self._in_transaction(session)
        except Error as error:  # before anything was run
            self.trouble = error
            return Ended(DEFERRED)
        finally:
            with suppress(Error):  # it goes with the connection
                session.end()
        return self._found() if ended is None else ended

    def _in_transaction(self, session: Session) -> Ended | None:
        """Run it; None where there is a row already."""
        try:
            with _kept_open(self._connection), transaction.atomic(using=self._database):
                transaction.on_commit(self._note_commit, using=self._database)
                self._begin(session)
                return self._answered(self._run_and_store())
        except _Found:
            return None
        except _RolledBack as end:
            return end.ended
        except BaseException as error:
            if self._committed:  # one of the hooks that run behind the commit
                end_forked_child(error)
                logger.exception("%s: a hook of on_commit failed", self._named)
                return self._answered(self._stored)
            if self._stored is None or not isinstance(error, Exception):
                raise
            return self._not_committed(error)

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
            raise _RolledBack(Ended(ANSWERED, problem(KEY_IN_USE)))
        if begun is Begun.EARLIER_ATTEMPT:
            raise _RolledBack(Ended(DEFERRED))
        if self._fenced.claimed.ms > self._head.hold_ms:
            # Nobody waits for it any more; and what a later attempt has left may be purged by now.
            raise _RolledBack(Ended("abandoned"))

    def _run_and_store(self) -> CheckedAnswer:
        self._exchange = self._fenced.respond()
        if self._fenced.start.refused:
            raise self._without_commit(self._fenced.start.refused)
        if self._fenced.body_failed:
            # What the view made of that is no answer to the request.
            raise self._without_commit(REPEAT)
        answer = self._answer()
        if answer.status >= 500:
            raise self._without_commit(ANSWERED, answer)
        if self._connection.get_rollback():
            if answer.status >= 400:
                raise self._without_commit(ANSWERED, answer)
            raise self._failed("Its transaction was broken, or to be rolled back.")
        self._stored = answer
        try:
            there = store(self._database, self._identity.key, _as_stored(answer))
        except Error as error:
            raise _RolledBack(self._not_committed(error)) from error
        if not there:
            logger.warning("%s is to be run again: the database has undone it.", self._named)
            raise self._without_commit(REPEAT)
        return answer

    def _answer(self) -> CheckedAnswer:
        try:
            return answer_to_store(self._exchange)
        except BadResponse as error:
            raise self._failed(str(error)) from error

    # What became of it.

    @property
    def _named(self) -> str:
        return f"{self._head.method} {self._head.path} ({self._head.request_id})"

    def _answered(self, answer: CheckedAnswer) -> Ended:
        return Ended(ANSWERED, answer, self._exchange)

    def _without_commit(self, outcome: str, answer: CheckedAnswer | None = None) -> _RolledBack:
        return _RolledBack(Ended(outcome, answer, self._exchange))

    def _failed(self, why: str) -> _RolledBack:
        logger.error("%s was rolled back: %s", self._named, why, exc_info=True)
        return self._without_commit(ANSWERED, SERVER_ERROR)

    def _not_committed(self, error: Exception) -> Ended:
        """Tell what becomes of it where storing the answer or the commit failed.

        A commit may have come through whose outcome is lost: the next attempt finds the row then.
        """
        logger.error("%s could not be committed: %s", self._named, error)
        if isinstance(error, _REFUSED):
            return Ended(ANSWERED, SERVER_ERROR, self._exchange)
        return Ended(REPEAT, None, self._exchange)

    def _found(self) -> Ended:
        """Answer with what is there, read in a transaction of its own."""
        try:
            row = find(self._database, self._identity.key)
        except DatabaseError as error:
            self.trouble = error
            row = None
        if row is None:
            return Ended(DEFERRED)  # gone again
        return ended_by(row, self._identity, self._named)


@contextmanager
def _kept_open(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep Django from closing a connection as a request begins, which it has in a transaction.

    A receiver of ``request_started`` drops each one that is not in autocommit mode.
    """
    connection.close_if_unusable_or_obsolete = lambda: None
    try:
        yield
    finally:
        del connection.close_if_unusable_or_obsolete


def _as_stored(answer: CheckedAnswer) -> StoredAnswer:
    return StoredAnswer(answer.status, answer.headers, answer.body)
