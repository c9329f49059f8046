"""Why processes of a release did not come up, as their supervisors tell it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from .processes import WorkerStats
from .values import Count, Seconds, ValueReader


class FailureTold(msgspec.Struct, frozen=True):
    """What a supervisor writes, as JSON.

    Attributes:
        at: seconds since 1970, of the supervisor's clock.
        ending: how the process ended, or did not begin, in words.
        lines: the last that it wrote to standard error.
        release: empty where that is not known.
        serving: how many older processes stay; where their release stands by, so do they.
    """

    at: Seconds
    ending: str
    lines: list[str] = []
    release: str = ""
    serving: Count = 0


@dataclass(frozen=True)
class BootFailure:
    """As `FailureTold`, and where; `serving` counts what serves on that host now."""

    host: str
    at: float
    ending: str
    lines: list[str]
    release: str
    serving: int

    @property
    def text(self) -> str:
        """Say it in a line."""
        of = f" of release {self.release}" if self.release else ""
        served = "the old ones stay" if self.serving else "none serves there"
        why = f"{self.ending.rstrip('.')}: {self.lines[-1]}" if self.lines else self.ending
        return f"{self.host}: a worker process{of} did not come up, {served}. {why}"

    def as_json(self) -> dict[str, Any]:
        """Return what ``status --json`` prints."""
        return asdict(self)


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(FailureTold).decode


def read_failures(
    values: ValueReader, flat: Iterable[bytes], workers: Sequence[WorkerStats] = ()
) -> list[BootFailure]:
    """Parse the answer to HGETALL of ``boot_failures``, oldest first; leave out what is none.

    Args:
        workers: as `read_workers` gives them. Those of another supervisor serve on, too.
    """
    serving = Counter(one["host"] for one in workers if one["state"] in ("idle", "busy"))
    items = list(flat)
    found = []
    for field, raw in zip(items[::2], items[1::2], strict=True):
        told = values.json(_decode, raw, None)
        if told is not None:
            about = msgspec.structs.asdict(told)
            host = values.text(field).partition(" ")[0]
            about["serving"] = max(told.serving, serving[host])
            found.append(BootFailure(host=host, **about))
    return sorted(found, key=lambda failure: failure.at)
