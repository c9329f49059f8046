"""The story: two upgrades that need a migration, then two releases that are no good.

The first upgrade needs the workers gone: release 1 can't write to the new table and release 2 can't
read the old one. The second is one command, because release 2 works with both tables, though not
while the migration has one of them locked. Then come a release of which every page fails, and one
that doesn't come up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.kit.waiting import wait_until

from .record import Record, Rollback, Window
from .shop import DOES_NOT_BOOT, FAILS
from .system import System

FULL_CHANGE = 60.0  # seconds within which a new release must have answered
NOTICED = 150  # failed pages until the operator does something


class Pace:
    """Lets the users be, between what operators do.

    Args:
        record: of what the users see.
        say: told what the operator is about to do.
        show: told what the operator reads.
        calm: seconds of ordinary days before, between and after the acts.
    """

    def __init__(
        self,
        record: Record,
        say: Callable[[str], None],
        show: Callable[[str], None],
        calm: float,
    ):
        self.record = record
        self.say = say
        self.show = show
        self._calm = calm

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """Note when it began and ended."""
        began = self.record.clock()
        yield
        self.record.windows.append(Window(title, began, self.record.clock()))

    def ordinary_days(self) -> None:
        """Let the users be for a while."""
        self.until(self.record.clock() + self._calm)

    def until(self, moment: float) -> None:
        """Let them be until then; seconds since the drill began."""
        left = max(0.0, moment - self.record.clock())
        wait_until(lambda: self.record.clock() >= moment, "calm", timeout=left + 1)

    def until_answered_by(self, release: int) -> None:
        """Wait until what is asked from now on has been answered by that release."""
        since, record = self.record.clock(), self.record
        what = f"release {release}"
        wait_until(lambda: record.answered_by(release, since), what, timeout=FULL_CHANGE)

    def until_noticed(self, began: float) -> None:
        """Wait until so much has gone wrong since then that somebody sees it."""
        noticed = "that somebody notices"
        wait_until(lambda: self.record.bad_since(began) >= NOTICED, noticed, timeout=FULL_CHANGE)


class Story:
    """Acts on a running system, and notes when each act began and ended.

    Args:
        system: with a front and the workers of release 1.
        pace: what the users see, and how long they are let be.
        careless: migrate without a hold in the second act, to see what it is good for.
    """

    def __init__(self, system: System, pace: Pace, *, careless: bool = False):
        self._system = system
        self._pace = pace
        self._careless = careless

    def play(self) -> None:
        """All acts."""
        for act in (
            self._stop_migrate_start,
            self._hold_and_reload,
            self._a_release_fails,
            self._a_release_does_not_boot,
        ):
            self._pace.ordinary_days()
            act()
        self._pace.ordinary_days()

    def _stop_migrate_start(self) -> None:
        self._pace.say("Act 1. The workers are stopped, the orders get a column, release 2 starts.")
        with self._pace.act("stop, migrate, start"):
            self._system.stop_workers()
            self._system.deploy(2)
            self._system.manage("migrate", "shop", "0002")
            self._system.start_workers()
        self._pace.until_answered_by(2)

    def _hold_and_reload(self) -> None:
        how = "without a hold" if self._careless else "under a hold"
        self._pace.say(f"Act 2. Another column {how}; then fresh code, one process at a time.")
        self._system.deploy(3)
        with self._pace.act("no hold" if self._careless else "hold, migrate"):
            if self._careless:
                self._system.manage("migrate", "shop", "0003")
            else:
                self._system.migrate_under_hold("0003")
        self._system.reload_workers()
        self._pace.until_answered_by(3)

    def _a_release_fails(self) -> None:
        self._pace.say("Releases get names and directories: 3 is started anew, 4 stands by.")
        self._system.replace_workers(3)
        self._system.stand_by(FAILS)
        self._pace.say("Act 3. Release 4 is activated. Every page of it fails. Back to 3.")
        record = self._pace.record
        with self._pace.act("a release fails"):
            began = record.clock()
            self._system.activate(FAILS)
            self._pace.until_noticed(began)
            asked = record.clock()
            self._system.roll_back()
            record.rollback = Rollback(asked, record.clock())
            self._pace.until_answered_by(3)
        self._pace.show(self._system.releases().rstrip())

    def _a_release_does_not_boot(self) -> None:
        self._pace.say("Act 4. Release 5 is started. Its processes don't come up.")
        with self._pace.act("one doesn't boot"):
            self._pace.show(self._system.stand_by_in_vain(DOES_NOT_BOOT))
