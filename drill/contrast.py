"""The same story on plain gunicorn: what can be done there about the same four releases.

Each act begins when it began behind the queue, so that the two can be laid beside each other.
"""

from collections.abc import Sequence

from .acts import Pace
from .plain_site import PlainSite
from .record import Window
from .shop import DOES_NOT_BOOT, FAILS


class PlainStory:
    """Acts on a site that gunicorn serves.

    Args:
        site: that serves release 1.
        pace: what the users see.
        acts: as they were behind the queue.
    """

    def __init__(self, site: PlainSite, pace: Pace, acts: Sequence[Window]):
        self._site = site
        self._pace = pace
        self._acts = acts

    def play(self) -> None:
        """All acts."""
        played = (
            self._stop_migrate_start,
            self._migrate_and_reload,
            self._a_release_fails,
            self._a_release_does_not_boot,
        )
        for act, window in zip(played, self._acts, strict=True):
            self._pace.until(window.began)
            act()
        self._pace.ordinary_days()

    def _stop_migrate_start(self) -> None:
        self._pace.say("Act 1. It is stopped, the orders get a column, release 2 starts.")
        with self._pace.act("stop, migrate, start"):
            self._site.stop_serving()
            self._site.deploy(2)
            self._site.manage("migrate", "shop", "0002")
            self._site.start()

    def _migrate_and_reload(self) -> None:
        self._pace.say("Act 2. Another column while it serves; then fresh code by SIGHUP.")
        self._site.deploy(3)
        with self._pace.act("migrate, reload"):
            self._site.manage("migrate", "shop", "0003")
            self._site.reload()
            self._pace.until_answered_by(3)

    def _a_release_fails(self) -> None:
        self._pace.say("Act 3. Release 4 by SIGHUP. Every page of it fails. Back to 3.")
        self._there_and_back(FAILS, "a release fails")

    def _a_release_does_not_boot(self) -> None:
        self._pace.say("Act 4. Release 5 by SIGHUP. It lacks a library. Back to 3.")
        self._there_and_back(DOES_NOT_BOOT, "one doesn't boot")

    def _there_and_back(self, release: int, title: str) -> None:
        with self._pace.act(title):
            began = self._pace.record.clock()
            self._site.deploy(release)
            self._site.reload()
            self._pace.until_noticed(began)
            self._site.deploy(3)
            self._site.reload()
            self._pace.until_answered_by(3)
