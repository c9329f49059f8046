"""Takes away what a site needs, one part at a time, and pictures what is then told."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..kit.broker_server import BrokerServer
from ..kit.waiting import wait_until
from .chromium import open_chromium
from .crowd import Crowd
from .dashboard import Dashboard
from .example import Example
from .picture import save_picture

TOLD_WITHIN = 20.0  # seconds; that it takes less than five is tested in test_truth.py
READERS = 6
RENEWALS = 5  # of the page before it is pictured, so that there are figures
REPORTERS = 1
MARGIN = 16  # CSS pixels below the last of what is shown
TILES = "[data-part=tiles]"
BANNER = "#qp-outdated"
BOTTOM_OF = "return Math.ceil(document.querySelector(arguments[0]).getBoundingClientRect().bottom)"
SCROLL = (
    "scrollBy(0, document.querySelector(arguments[0]).getBoundingClientRect().top - arguments[1])"
)

TakeAway = Callable[[], AbstractContextManager[str]]


class Look(NamedTuple):
    """How a picture of the page is taken.

    Attributes:
        width: of the window, CSS pixels.
        scale: device pixels per CSS pixel.
        dark: what the system prefers.
        last: the page is cut below this.
        scrolled: whether down to the tiles, where the banner goes with them.
    """

    width: int = 1280
    scale: int = 1
    dark: bool = False
    last: str = TILES
    scrolled: bool = False


DESK = Look()
PHONE = Look(390, 2, True, f"{TILES} .qp-tile:nth-child(2)", scrolled=True)


class MissingParts:
    """A site with a crowd, each part of which may be taken away.

    Args:
        directory: for its files and those of browsers.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._broker = BrokerServer().start()
        self._site = Example(
            directory,
            DJANGO_SETTINGS_MODULE="tests.browser.settings",
            QUEUEPROXY_BROKER_URL=self._broker.url,
        )
        self._start_workers()
        self._crowd = Crowd(self._site.url, READERS, REPORTERS)

    def _start_workers(self) -> None:
        self._workers = self._site.workers("--processes", "2", "--threads", "2")

    @contextmanager
    def without_workers(self) -> Iterator[str]:
        """Nobody runs requests; gives what the page says of it."""
        self._site.stop(self._workers)
        yield "There is no worker"
        self._start_workers()

    @contextmanager
    def without_broker(self) -> Iterator[str]:
        """The broker takes connections and answers nothing."""
        self._broker.freeze()
        try:
            yield "The broker can't be reached."
        finally:
            self._broker.thaw()

    @contextmanager
    def without_front(self) -> Iterator[str]:
        """Nobody listens any more; for good."""
        self._site.kill_front()
        yield "No front answers"

    def picture(self, take_away: TakeAway, target: Path, name: str, look: Look = DESK) -> None:
        """Open the page, take a part away, wait for what is told, and write the pictures.

        Args:
            take_away: one of the methods above.
            target: directory of the pictures.
            name: of the part; while it is not ``front``, the front's own page is pictured, too.
            look: of the page.
        """
        browser = open_chromium(
            self._directory / name, look.width, 900, scale=look.scale, dark=look.dark
        )
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        try:
            self._open_page(browser)
            with take_away() as words:
                _await(browser, words)
                _save(browser, target / f"missing-{name}-page.png", look)
                if name != "front":
                    browser.get(f"{self._site.url}/-/status")
                    of_front = Look(last="main > :last-child")
                    _save(browser, target / f"missing-{name}-status.png", of_front)
        finally:
            browser.quit()

    def _open_page(self, browser) -> None:
        self._site.log_in(browser, "admin")
        page = Dashboard(browser, self._site)
        page.open()
        for _ in range(RENEWALS):
            page.renewed()

    def end(self) -> None:
        """Stop all that was started."""
        self._crowd.leave()
        self._broker.thaw()
        self._site.stop()
        self._broker.stop()


def _await(browser, words: str) -> None:
    began = time.monotonic()
    shown = f"return document.querySelector('{BANNER}').textContent"
    wait_until(lambda: words in browser.execute_script(shown), words, TOLD_WITHIN)
    print(f"{words!r} after {time.monotonic() - began:.1f} s")


def _save(browser, file: Path, look: Look) -> None:
    if look.scrolled:
        banner = browser.execute_script(f"return document.querySelector('{BANNER}').offsetHeight")
        browser.execute_script(SCROLL, TILES, banner + MARGIN)
    height = browser.execute_script(BOTTOM_OF, look.last) + MARGIN
    save_picture(browser, file, height, scale=look.scale)


def picture_missing(target: Path) -> None:
    """Write a picture of the page, and of the front's own, for each part that may be missing."""
    with tempfile.TemporaryDirectory() as name:
        parts = MissingParts(Path(name))
        try:
            parts.picture(parts.without_workers, target, "workers")
            parts.picture(parts.without_broker, target, "broker")
            parts.picture(parts.without_front, target, "front", PHONE)
        finally:
            parts.end()
