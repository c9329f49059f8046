"""Formats log records as JSON, for the ``LOGGING`` of a project.

    LOGGING = {
        "version": 1,
        "formatters": {"json": {"()": "queueproxy.logs.JSONFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": "INFO"},
    }

Settings may import this module: it needs nothing of Django.
"""

import json
import logging
import math
from datetime import UTC, datetime
from typing import Any

__all__ = ["JSONFormatter"]

# What `logging` itself puts into a record; the rest is what the caller gave as ``extra``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """Writes each record as one line of JSON (RFC 8259), in ASCII whatever stands in it.

    ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``process`` and ``message``; then whatever was
    given as ``extra``; ``exception`` with the traceback, and ``stack``, where there are such. No
    text in a record, a line break least of all, can begin a second line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _OWN and name not in fields:
                fields[name] = value
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        elif record.exc_text:
            fields["exception"] = record.exc_text
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return _json(fields)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return when it was logged, to the millisecond; `datefmt` as of ``strftime``."""
        at = datetime.fromtimestamp(record.created, UTC)
        if datefmt:
            return at.strftime(datefmt)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(fields: dict[str, Any]) -> str:
    try:
        return json.dumps(fields, default=str, allow_nan=False)
    except (TypeError, ValueError):  # keys that are no text, cycles, NaN
        return json.dumps({name: _plain(value) for name, value in fields.items()})


def _plain(value: Any) -> Any:
    """Return what JSON has as it is, of anything else its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
