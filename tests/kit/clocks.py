"""A server whose clock the tests set: its TIME, not its monotonic clock."""

import time
from pathlib import Path

from .broker_server import BrokerServer
from .missing import Missing
from .waiting import wait_until

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"  # of Debian's package libfaketime

CLOSE = 1.5  # seconds


class ShiftedServer(BrokerServer):
    """A Valkey under libfaketime.

    Never Debian's Redis, whose allocator asks for the time before libfaketime is ready, and dies.

    Raises:
        Missing: there is no libfaketime (at its start).
    """

    def __init__(self, **options: str):
        super().__init__("valkey", **options)
        self._offset = Path(self._directory) / "offset"
        self.shift(0)

    def shift(self, seconds: int) -> None:
        """Set its clock so far ahead of this machine's; when this returns, commands see it."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.rename(self._offset)
        if self._process is not None:  # what it says may be a moment old
            wait_until(lambda: abs(self.client().time()[0] - time.time() - seconds) < CLOSE)

    def _environ(self) -> dict[str, str]:
        found = sorted(Path("/").glob(LIBRARY[1:]))
        if not found:
            raise Missing("libfaketime")
        return {
            **super()._environ(),
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
