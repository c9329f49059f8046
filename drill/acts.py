"""The story: two upgrades that need a migration, while the users go on.

The first needs the workers gone: release 1 can't write to the new table and release 2 can't read
the old one. The second is one command, because release 2 works with both tables, though not while
the migration has one of them locked.
"""

from collections.abc import Callable

from tests.waiting import wait_until

from .record import Record, Window
from .system import System

FULL_CHANGE = 60.0  # seconds within which a new release must have answered


class Story:
    """Acts on a running system, and notes when maintenance began and ended.

    Args:
        system: with a front and the workers of release 1.
        record: of what the users see.
        say: told what the operator is about to do.
        calm: seconds of ordinary days before, between and after the acts.
        careless: migrate without a hold in the second act, to see what it is good for.
    """

    def __init__(
        self,
        system: System,
        record: Record,
        say: Callable[[str], None],
        *,
        calm: float,
        careless: bool = False,
    ):
        self._system = system
        self._record = record
        self._say = say
        self._calm = calm
        self._careless = careless

    def play(self) -> None:
        """Both acts."""
        self._ordinary_days()
        self._say("Act 1. The workers are stopped, the orders get a column, release 2 starts.")
        self._stop_migrate_start()
        self._until_answered_by(2)
        self._ordinary_days()
        how = "without a hold" if self._careless else "under a hold"
        self._say(f"Act 2. Another column {how}; then fresh code, one process at a time.")
        self._hold_and_reload()
        self._until_answered_by(3)
        self._ordinary_days()

    def _stop_migrate_start(self) -> None:
        began = self._record.clock()
        self._system.stop_workers()
        self._system.deploy(2)
        self._system.manage("migrate", "shop", "0002")
        self._system.start_workers()
        self._note("workers stopped", began)

    def _hold_and_reload(self) -> None:
        self._system.deploy(3)
        began = self._record.clock()
        if self._careless:
            self._system.manage("migrate", "shop", "0003")
        else:
            self._system.migrate_under_hold("0003")
        self._note("no hold" if self._careless else "hold", began)
        self._system.reload_workers()

    def _note(self, title: str, began: float) -> None:
        self._record.windows.append(Window(title, began, self._record.clock()))

    def _until_answered_by(self, release: int) -> None:
        wait_until(
            lambda: self._record.answered_by(release), f"release {release}", timeout=FULL_CHANGE
        )

    def _ordinary_days(self) -> None:
        """Let the users be for a while."""
        until = self._record.clock() + self._calm
        wait_until(lambda: self._record.clock() >= until, "calm", timeout=self._calm + 1)
