"""A server whose clock the tests set: its TIME, not its monotonic clock."""

from pathlib import Path

from .servers import BrokerServer, missing

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"  # of Debian's package libfaketime


class ShiftedServer(BrokerServer):
    """A Valkey under libfaketime; where that is missing, see `missing`.

    Never Debian's Redis, whose allocator asks for the time before libfaketime is ready, and dies.
    """

    def __init__(self, **options: str):
        super().__init__("valkey", **options)
        self._offset = Path(self._directory) / "offset"
        self.shift(0)

    def shift(self, seconds: int) -> None:
        """From now on its clock is so far ahead of this machine's."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.rename(self._offset)

    def _environ(self) -> dict[str, str]:
        found = sorted(Path("/").glob(LIBRARY[1:]))
        if not found:
            missing("libfaketime")
        return {
            **super()._environ(),
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
