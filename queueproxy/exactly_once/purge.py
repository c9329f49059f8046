"""Deletes rows of executions that are older than they are to be kept."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connections, router
from django.utils import timezone

from ..models import Execution
from .sessions import is_supported

AT_ONCE = 1000  # rows deleted in one transaction


def databases() -> list[str]:
    """List the aliases of the databases that have the table.

    Raises:
        django.db.Error: one is away.
    """
    may = (one for one in connections.settings if is_supported(one))
    should = (one for one in may if router.allow_migrate_model(one, Execution))
    return [one for one in should if _has_table(one)]


def _has_table(database: str) -> bool:
    return Execution._meta.db_table in connections[database].introspection.table_names()


def purge(database: str, kept: float) -> Iterator[int]:
    """Delete what is too old, a few at a time, the oldest first; yield how many each time.

    Args:
        kept: seconds.

    Raises:
        django.db.Error: the database is away, or has no such table.
    """
    rows = Execution.objects.using(database)
    while True:
        until = timezone.now() - timedelta(seconds=kept)
        oldest = rows.filter(created__lt=until).order_by("created").values_list("pk", flat=True)
        keys = list(oldest[:AT_ONCE])
        if not keys:
            return
        rows.filter(pk__in=keys).delete()
        yield len(keys)
