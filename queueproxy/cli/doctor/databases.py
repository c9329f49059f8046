"""Looks at the databases: whether they answer, migrations, SQLite under several processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from ...wording import count_text, printable
from ...worker.migrations import has_database, pending_migrations
from .finding import Finding

AREA = "databases"
UNUSABLE = "unusable"  # code of a finding behind which no migrations need be looked for
LOCK_FIRST = ("IMMEDIATE", "EXCLUSIVE")
OPTIONS = (
    'Set OPTIONS to {"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}.'
)


def examine(at_once: int) -> Iterator[Finding]:
    """Ask each database.

    Args:
        at_once: requests that workers run at the same time now.
    """
    if not has_database():
        yield Finding(AREA, "ok", "The project has no default database.")
        return
    usable = True
    for alias in connections.settings:
        found = list(_of_database(alias, at_once))
        yield from found
        if alias == DEFAULT_DB_ALIAS:
            usable = all(finding.code != UNUSABLE for finding in found)
    if usable:
        yield from _migrations()


def _of_database(alias: str, at_once: int) -> Iterator[Finding]:
    try:
        connection = connections[alias]
        if connection.vendor == "sqlite":
            yield from _sqlite(alias, connection, at_once)
            return
        try:
            connection.ensure_connection()
        finally:
            connection.close()
    except Exception as error:  # of any driver
        what = printable(f"{error}".partition("\n")[0])
        todo = "Start it, or correct DATABASES: views that use it fail."
        text = f"The database {alias!r} can't be used: {what}"
        yield Finding(AREA, "error", text, todo, UNUSABLE)
    else:
        yield Finding(AREA, "ok", f"The database {alias!r} ({connection.display_name}) answers.")


def _sqlite(alias: str, connection: Any, at_once: int) -> Iterator[Finding]:
    settings = connection.settings_dict
    if connection.is_in_memory_db():
        yield Finding(
            AREA,
            "error",
            f"The database {alias!r} is in memory: each worker process has an empty one of its "
            "own.",
            "Give it a file, or use PostgreSQL or MariaDB.",
        )
        return
    if not Path(settings["NAME"]).exists():
        text = f"The database {alias!r} has no file yet ({settings['NAME']})."
        yield Finding(AREA, "error", text, "Run manage.py migrate.", UNUSABLE)
        return
    lacks = list(_lacking(connection))
    if not lacks:
        text = f"The database {alias!r} (SQLite) is ready for several processes: WAL, IMMEDIATE."
        yield Finding(AREA, "ok", text)
        return
    now = f", {count_text(at_once, 'at once', 'at once')} now" if at_once > 1 else ""
    yield Finding(
        AREA,
        "error" if at_once > 1 else "warning",
        f"The database {alias!r} (SQLite) {' and '.join(lacks)}: where several workers write{now}, "
        'some fail with "database is locked".',
        OPTIONS,
    )


def _lacking(connection: Any) -> Iterator[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            (mode,) = cursor.fetchone()
    finally:
        connection.close()
    if str(mode).lower() != "wal":
        yield f"is not in WAL mode (journal_mode {mode})"
    chosen = str(connection.settings_dict["OPTIONS"].get("transaction_mode") or "DEFERRED").upper()
    if chosen not in LOCK_FIRST:
        yield f"takes the write lock late (transaction_mode {chosen})"


def _migrations() -> Iterator[Finding]:
    try:
        pending = pending_migrations()
    except Exception as error:  # of any driver, or of a migration that can't be imported
        what = printable(f"{error}".partition("\n")[0])
        text = f"Whether all migrations are applied can't be found out: {what}"
        yield Finding(AREA, "warning", text, "Run manage.py showmigrations.")
        return
    if pending:
        yield Finding(
            AREA,
            "error",
            f"{count_text(pending, 'migration is', 'migrations are')} not applied.",
            "Run manage.py queueproxy hold -- python manage.py migrate: clients wait meanwhile.",
        )
    else:
        yield Finding(AREA, "ok", "All migrations are applied.")
