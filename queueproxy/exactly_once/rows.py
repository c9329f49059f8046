"""Reads and writes the rows of executions, as they stand in a database."""

import json
from typing import NamedTuple

import msgspec
from django.db import connections

from ..envelopes import Header
from ..models import Execution


class StoredAnswer(NamedTuple):
    """An answer as it stands in a row."""

    status: int
    headers: list[Header]
    body: bytes


# In the row of a request whose last attempt has failed: nothing of it is committed any more. No
# answer of a view has this status there.
NOTHING = StoredAnswer(503, [], b"")


class Row(NamedTuple):
    """A row as it was found.

    Attributes:
        request: the id of the request that was run.
        fingerprint: of that.
        answer: None where somebody has committed before there was one.
    """

    request: str
    fingerprint: str
    answer: StoredAnswer | None


def find(database: str, key: str) -> Row | None:
    """Read a row; None where there is none. To be called outside of the transaction it is of."""
    columns = ("request", "fingerprint", "status", "headers", "body")
    found = Execution.objects.using(database).filter(pk=key).values_list(*columns).first()
    if found is None:
        return None
    request, fingerprint, status, headers, body = found
    if status is None:
        return Row(request, fingerprint, None)
    pairs = [(name, value) for name, value in json.loads(headers)]
    return Row(request, fingerprint, StoredAnswer(status, pairs, bytes(body)))


def store(database: str, key: str, answer: StoredAnswer) -> bool:
    """Write the answer into a row that has none; whether it was there."""
    connection = connections[database]
    quote = connection.ops.quote_name
    # In SQL, for each request waits for it, and the ORM takes as long as the statement.
    sql = (
        f"UPDATE {quote(Execution._meta.db_table)} "
        f"SET {quote('status')} = %s, {quote('headers')} = %s, {quote('body')} = %s "
        f"WHERE {quote('key')} = %s AND {quote('status')} IS NULL"
    )
    headers = msgspec.json.encode(answer.headers).decode()
    # The driver's own module, which django-stubs know of each vendor's wrapper alone.
    body = connection.Database.Binary(answer.body)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(sql, [answer.status, headers, body, key])
        return bool(cursor.rowcount == 1)
