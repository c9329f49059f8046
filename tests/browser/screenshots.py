"""python -m tests.browser.screenshots [directory]: pictures of the dashboard of a busy system.

Takes about three minutes: the charts are of a real load, with a pause and a deploy in it. The
pictures go to docs/img, or to the directory named.
"""

import io
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from PIL import Image

from ..kit.broker_server import BrokerServer
from ..kit.processes import ROOT
from .chromium import open_chromium
from .example import Example

QUEUE = "/admin/queueproxy/queue/"
SHOTS = (  # name, width, greatest height, device pixels per CSS pixel, dark
    ("light", 1280, 4000, 1, False),
    ("dark", 1280, 4000, 1, True),
    ("phone", 390, 1700, 2, False),
)
READERS = 18
PAGES = (
    *["/", "/things/1/", "/things/2/", "/api/things/", "/favourites/", "/login/"] * 3,
    *["/slow/?seconds=0.4", "/slow/?seconds=1.5"] * 2,
)
REPORTS = ("/things/export.csv",)
REPORTERS = 7  # of the readers


class Crowd:
    """Clients that read pages, sometimes many of them."""

    def __init__(self, url: str):
        self._url = url
        self._stop = threading.Event()
        self.eager = threading.Event()
        for number in range(READERS):
            threading.Thread(target=self._read, args=(number,), daemon=True).start()

    def _read(self, number: int) -> None:
        choice = random.Random(number)
        with httpx.Client(base_url=self._url, timeout=90) as client:
            while not self._stop.is_set():
                try:
                    client.get(choice.choice(REPORTS if number < REPORTERS else PAGES))
                except httpx.HTTPError:
                    pass  # a picture of a system under stress may show some
                mean = 0.15 if number >= REPORTERS and self.eager.is_set() else 1.0
                self._stop.wait(choice.expovariate(1 / mean))

    def leave(self) -> None:
        """No further requests."""
        self._stop.set()


def main(target: Path) -> None:
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
    crowd = Crowd(site.url)
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
        size = {"width": width, "height": min(height, most), "deviceScaleFactor": scale}
        size["mobile"] = width < 500
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        time.sleep(1)
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
        picture.convert("RGB").quantize(256).save(target / f"dashboard-{name}.png", optimize=True)
    finally:
        browser.quit()


def _end(site: Example, broker: BrokerServer) -> None:
    site.crowd.leave()
    site.run("queueproxy", "resume")
    site.stop()
    broker.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "img")
