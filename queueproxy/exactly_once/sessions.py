"""Begins an execution in a database: takes the lock of its key, and writes its row.

Nobody waits here for another who runs the same request: the lock is tried, and whoever does not get
it goes away. It is held as long as the transaction. So the INSERT, behind it, meets no row that is
not committed yet.
"""

import hashlib
from enum import Enum, auto
from typing import Any, Protocol

from django.apps import apps
from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from .identity import Identity

LOCKED = ("database is locked", "database table is locked")  # SQLITE_BUSY and SQLITE_LOCKED
BRIEFLY = 1000  # ms that SQLite's one write lock is waited for
IDLE_FOR = 5  # seconds after which the idle session of an earlier attempt is ended
CLIENT_CHECK = 2000  # ms between two looks whether the client of a running statement is still there


class Begun(Enum):
    """What became of the attempt to begin."""

    BEGUN = auto()  # the row is written
    EARLIER_ATTEMPT = auto()  # one of this very request runs, or may; nothing is written
    OTHER_REQUEST = auto()  # one with the same client's key runs; nothing is written


class Session(Protocol):
    """One execution on one connection. `prepare` and `end` are called outside of the transaction.

    All raise what Django's databases raise.
    """

    def __init__(self, connection: BaseDatabaseWrapper): ...

    def prepare(self) -> None:
        """Make ready, before the transaction begins."""

    def begin(self, identity: Identity, hold_ms: int) -> Begun:
        """Take the lock and write the row, first of all in the transaction.

        Args:
            hold_ms: how long anybody waits for it at most.

        Raises:
            IntegrityError: there is a row.
        """

    def end(self) -> None:
        """Put back what was changed for good, after the transaction."""


def session_on(connection: BaseDatabaseWrapper) -> Session:
    """Make a session on a connection to a database that `is_supported`."""
    return VENDORS[connection.vendor](connection)


def is_supported(database: str) -> bool:
    """Whether there is a database of this alias in which requests can be run exactly once.

    Where AUTOCOMMIT is off, a block of `atomic` ends without a commit.
    """
    if database not in connections.settings or not connections.settings[database]["AUTOCOMMIT"]:
        return False
    return connections[database].vendor in VENDORS


def is_locked(error: Error) -> bool:
    """Whether somebody else has SQLite's write lock; by ``IMMEDIATE`` it is taken with BEGIN."""
    return isinstance(error, OperationalError) and str(error).startswith(LOCKED)


def _insert(
    connection: BaseDatabaseWrapper, identity: Identity, source: str
) -> tuple[str, list[Any]]:
    """Spell the INSERT with its parameters; `source` follows the values that are selected."""
    columns = ("key", "request", "fingerprint", "created", "headers", "body")
    names = ", ".join(map(connection.ops.quote_name, columns))
    # Looked up late: what is tested without this app installed comes by here (queueproxy.testing).
    table = connection.ops.quote_name(apps.get_model("queueproxy", "Execution")._meta.db_table)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    sql = f"INSERT INTO {table} ({names}) SELECT %s, %s, %s, %s, '', %s {source}"
    return sql, [identity.key, identity.request, identity.fingerprint, now, b""]


def _number(text: str) -> int:
    """Make a number of 63 bits of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


class PostgreSQLSession:
    """Locks with advisory locks of the transaction, in the statement that writes the row."""

    # Of this transaction, and only where the project has not set them.
    _SETTINGS = """FROM (SELECT
        CASE WHEN current_setting('idle_in_transaction_session_timeout', true) = '0'
            THEN set_config('idle_in_transaction_session_timeout', %s, true) END,
        CASE WHEN current_setting('client_connection_check_interval', true) = '0'
            AND version() LIKE '%%linux%%'
            THEN set_config('client_connection_check_interval', %s, true) END
    ) AS settings WHERE pg_try_advisory_xact_lock(%s)"""
    _LOCK = " AND pg_try_advisory_xact_lock(%s)"
    # One's own sessions may be ended without any further right.
    _END_IDLE = f"""SELECT pg_terminate_backend(pid)
        FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = %s AND objid::bigint = %s AND state LIKE 'idle in transaction%%'
        AND state_change < clock_timestamp() - interval '{IDLE_FOR} seconds'"""

    def __init__(self, connection: BaseDatabaseWrapper):
        self._connection = connection

    def prepare(self) -> None:
        pass

    def begin(self, identity: Identity, hold_ms: int) -> Begun:
        own = _number(f"request {identity.request}")
        locks = [own]
        if identity.has_clients_key:
            locks.append(_number(f"key {identity.key}"))
        sql, values = _insert(
            self._connection, identity, self._SETTINGS + self._LOCK * (len(locks) - 1)
        )
        with self._connection.cursor() as cursor:
            cursor.execute(sql, [*values, str(hold_ms), str(CLIENT_CHECK), *locks])
            if cursor.rowcount == 1:
                return Begun.BEGUN
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [own])
            (is_mine,) = cursor.fetchone()
            if is_mine and identity.has_clients_key:
                return Begun.OTHER_REQUEST
            cursor.execute(self._END_IDLE, [own >> 32, own & 0xFFFFFFFF])
        return Begun.EARLIER_ATTEMPT

    def end(self) -> None:
        pass


class MySQLSession:
    """Locks with named locks of the connection: MariaDB and MySQL."""

    # Of the session, for want of settings of a transaction; where the project has set it, it stays.
    _LIMIT_IDLING = """SET @queueproxy_idle = @@idle_transaction_timeout,
        idle_transaction_timeout = IF(@@idle_transaction_timeout, @@idle_transaction_timeout, %s)"""
    _RESTORE = "SET idle_transaction_timeout = @queueproxy_idle"

    def __init__(self, connection: BaseDatabaseWrapper):
        self._connection = connection
        self._taken: list[str] = []
        self._limits_idling = False

    def prepare(self) -> None:
        pass

    def begin(self, identity: Identity, hold_ms: int) -> Begun:
        own = f"queueproxy request {_number(identity.request):x}"
        with self._connection.cursor() as cursor:
            if not self._take(cursor, own):
                self._end_idle(cursor, own)
                return Begun.EARLIER_ATTEMPT
            if identity.has_clients_key and not self._take(
                cursor, f"queueproxy key {_number(identity.key):x}"
            ):
                return Begun.OTHER_REQUEST
            # MySQL has nothing like it.
            is_mariadb = self._connection.mysql_is_mariadb  # type: ignore[attr-defined]  # its own
            if is_mariadb and not self._limits_idling:
                cursor.execute(self._LIMIT_IDLING, [1 + hold_ms // 1000])
                self._limits_idling = True
            cursor.execute(*_insert(self._connection, identity, ""))
        return Begun.BEGUN

    def _take(self, cursor: CursorWrapper, name: str) -> bool:
        cursor.execute("SELECT GET_LOCK(%s, 0)", [name])
        taken = bool(cursor.fetchone()[0] == 1)
        if taken:
            self._taken.append(name)
        return taken

    def _end_idle(self, cursor: CursorWrapper, name: str) -> None:
        cursor.execute(
            "SELECT id FROM information_schema.processlist "
            "WHERE id = IS_USED_LOCK(%s) AND command = 'Sleep' AND time >= %s",
            [name, IDLE_FOR],
        )
        for (id,) in cursor.fetchall():
            cursor.execute(f"KILL {int(id)}")

    def end(self) -> None:
        taken, self._taken = self._taken, []
        limits_idling, self._limits_idling = self._limits_idling, False
        if self._connection.connection is None:
            return  # closed: all went with it
        with self._connection.cursor() as cursor:
            for name in taken:
                cursor.execute("SELECT RELEASE_LOCK(%s)", [name])
            if limits_idling:
                cursor.execute(self._RESTORE)


class SQLiteSession:
    """Waits a moment for the one write lock of the file, which is held to the transaction's end."""

    def __init__(self, connection: BaseDatabaseWrapper):
        self._connection = connection
        self._timeout: int | None = None  # ms: the project's own, while another is set

    def prepare(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            self._timeout = cursor.fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout = {min(self._timeout, BRIEFLY)}")

    def begin(self, identity: Identity, hold_ms: int) -> Begun:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(*_insert(self._connection, identity, ""))
        except OperationalError as error:
            if is_locked(error):
                return Begun.EARLIER_ATTEMPT  # or any other writer: SQLite does not tell
            raise
        self.end()
        return Begun.BEGUN

    def end(self) -> None:
        timeout, self._timeout = self._timeout, None
        if timeout is not None and self._connection.connection is not None:
            with self._connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {timeout}")


VENDORS: dict[str, type[Session]] = {
    "postgresql": PostgreSQLSession,
    "mysql": MySQLSession,
    "sqlite": SQLiteSession,
}
