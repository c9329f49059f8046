"""What fronts and workers tell of themselves: JSON, written when they register."""

from typing import Any

import msgspec

from ...json_text import json_object
from .values import Count, ValueReader


class FrontInfo(msgspec.Struct, frozen=True):
    """Where a front runs.

    Attributes:
        errand: what a command has joined for, that has one request run and accepts none: words for
            people. Empty for a front.
    """

    host: str | None = None
    pid: Count | None = None
    errand: str = ""


class WorkerInfo(msgspec.Struct, frozen=True):
    """Where a worker runs and what it is given to do.

    `pending_migrations` is None where that is not known, and left out until it was looked for.
    `memory_history_bytes` is of its whole life, at even distances, the oldest first.
    """

    host: str | None = None
    pid: Count | None = None
    name: str = ""
    queues: list[str] = []
    threads: Count = 1
    release: str = ""
    standby: bool = False
    memory_history_bytes: list[Count] = []
    pending_migrations: Count | msgspec.UnsetType | None = msgspec.UNSET


decode_front = msgspec.json.Decoder(FrontInfo).decode
_decode_worker = msgspec.json.Decoder(WorkerInfo).decode


def worker_info(values: ValueReader, raw: bytes | None) -> dict[str, Any]:
    """Parse what a worker tells; the words and numbers that a later release adds are passed on."""
    told = values.json(_decode_worker, raw, None)
    known: dict[str, Any] = msgspec.to_builtins(told or WorkerInfo())
    if told is None:
        return known
    others = {
        name: value
        for name, value in json_object(raw).items()
        if value is None or isinstance(value, (str, int, float))
    }
    return others | known
