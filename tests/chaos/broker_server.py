"""The broker of the site under test: one whose clock, rights and disk may be meddled with."""

from pathlib import Path

from ..kit.broker_server import BrokerServer
from ..kit.clocks import LIBRARY, ShiftedServer

USER = "site"
PASSWORD = "the-password-of-the-site"


def clock_can_be_set() -> bool:
    """Whether libfaketime is there."""
    return any(Path("/").glob(LIBRARY[1:]))


class SiteBroker(ShiftedServer):
    """A Valkey that keeps its data in a file; the site has a user of its own.

    Without libfaketime it runs by this machine's clock.
    """

    def __init__(self):
        # A rule for saving, never met, makes it refuse writes once a save has failed (MISCONF).
        super().__init__(appendonly="yes", appendfsync="everysec", save="3600 1000000")

    def start(self) -> "SiteBroker":
        super().start()
        # Not in the file: it has to be told again after each start.
        self.add_user(USER, PASSWORD)
        return self

    def site_url(self, database: int = 0) -> str:
        """The URL of the site's user."""
        return f"unix://{USER}:{PASSWORD}@{self.socket}?db={database}"

    def set_rights(self, *rules: str) -> None:
        """Change what the site may do, as ACL SETUSER."""
        self.client().execute_command("ACL", "SETUSER", USER, *rules)

    def break_saves(self) -> None:
        """Let a save fail; from now on it refuses writes."""
        self._dump.unlink(missing_ok=True)
        self._dump.mkdir()

    def mend_saves(self) -> None:
        """Let the next save work."""
        self._dump.rmdir()

    @property
    def _dump(self) -> Path:
        return Path(self._directory) / "dump.rdb"

    def _environ(self) -> dict[str, str]:
        return super()._environ() if clock_can_be_set() else BrokerServer._environ(self)
