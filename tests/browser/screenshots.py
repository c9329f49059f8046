"""python -m tests.browser.screenshots [--missing] [directory]: pictures of the dashboard.

Of a busy system; it takes about three minutes: the charts are of a real load, with a pause and a
deploy in it. With --missing those of a system without workers, broker or front, in two minutes.
They go to docs/img, or to the directory named.
"""

import argparse
import tempfile
import time
from pathlib import Path

import httpx

from ..kit.broker_server import BrokerServer
from ..kit.processes import ROOT
from .chromium import open_chromium
from .crowd import Crowd
from .example import Example
from .missing import picture_missing
from .picture import save_picture

QUEUE = "/admin/queueproxy/queue/"
SHOTS = (  # name, width, greatest height, device pixels per CSS pixel, dark
    ("light", 1280, 4000, 1, False),
    ("dark", 1280, 4000, 1, True),
    ("phone", 390, 1700, 2, False),
)
READERS = 18
REPORTERS = 7  # of the readers


def picture_busy(target: Path) -> None:
    """Play the day in short and take the pictures."""
    broker = BrokerServer().start()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        site = Example(
            directory,
            DJANGO_SETTINGS_MODULE="tests.browser.settings",
            QUEUEPROXY_BROKER_URL=broker.url,
        )
        try:
            _play(site)
            for shot in SHOTS:
                _take(site, directory, target, *shot)
        finally:
            _end(site, broker)


def _play(site: Example) -> None:
    old = site.workers("--processes", "2", "--threads", "3", QUEUEPROXY_RELEASE="3f9c1d2")
    for name in ("order", "import"):
        httpx.post(f"{site.url}/die/{name}/", timeout=60)
    crowd = Crowd(site.url, READERS, REPORTERS)
    site.crowd = crowd
    time.sleep(40)
    crowd.eager.set()
    time.sleep(20)
    crowd.eager.clear()
    site.run("queueproxy", "pause", "--timeout", "12", "--reason", "new index")
    time.sleep(20)
    site.stop(old)
    site.workers("--processes", "2", "--threads", "3", QUEUEPROXY_RELEASE="8b20e77")
    time.sleep(35)
    site.run("queueproxy", "pause", "low", "--timeout", "80", "--reason", "reports can wait")
    crowd.eager.set()
    time.sleep(15)


def _take(site: Example, directory: Path, target: Path, name, width, most, scale, dark) -> None:
    browser = open_chromium(directory / name, width, 1000, scale=scale, dark=dark)
    try:
        site.log_in(browser, "admin")
        browser.get(site.url + QUEUE)
        time.sleep(5)  # of figures that come by the page's own script
        height = browser.execute_script("return document.documentElement.scrollHeight")
        save_picture(browser, target / f"dashboard-{name}.png", min(height, most), scale=scale)
    finally:
        browser.quit()


def _end(site: Example, broker: BrokerServer) -> None:
    site.crowd.leave()
    site.run("queueproxy", "resume")
    site.stop()
    broker.stop()


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "docs" / "img")
    parser.add_argument("--missing", action="store_true", help="of a system that lacks a part")
    options = parser.parse_args()
    (picture_missing if options.missing else picture_busy)(options.directory)


if __name__ == "__main__":
    main()
