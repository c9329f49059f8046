"""A headless Chromium of a width and a colour scheme."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import WebDriverException

from .looks import Look, wear

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def is_there() -> bool:
    """Whether it is installed."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


def open_chromium(
    directory: Path, width: int = 1200, height: int = 1400, *, scale: int = 1, dark: bool = False
):
    """A browser; quit it.

    Args:
        directory: for its profile and for downloads.
        width, height: of the window in CSS pixels; below 500 it is a phone.
        scale: device pixels per CSS pixel.
        dark: what the system prefers.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={directory / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(directory)})
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    wear(browser, Look(width, dark), height, scale=scale)
    return browser


class Chromiums:
    """Browsers that tests use one after another, as good as new: to start one takes seconds.

    Args:
        directory: for their profiles.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._free: list = []
        self._started = 0

    @contextmanager
    def one(self, look: Look) -> Iterator:
        """Lend a browser; what its pages have left is cleared behind it."""
        browser = self._free.pop() if self._free else self._start()
        wear(browser, look)
        yield browser
        try:
            _clear(browser)
        except WebDriverException:  # it hangs, or has crashed
            browser.quit()
        else:
            self._free.append(browser)

    def _start(self):
        self._started += 1
        return open_chromium(self._directory / f"chromium{self._started}")

    def quit(self) -> None:
        """End all of them."""
        for browser in self._free:
            browser.quit()


def _clear(browser) -> None:
    """Go on in another window: what was emulated, throttled or open ends with those there are."""
    used = browser.window_handles
    origin = browser.execute_script("return location.origin")
    if origin != "null":  # about:blank
        asked = {"origin": origin, "storageTypes": "all"}
        browser.execute_cdp_cmd("Storage.clearDataForOrigin", asked)
    browser.switch_to.new_window("window")
    unused = browser.current_window_handle
    for handle in used:
        browser.switch_to.window(handle)
        browser.close()
    browser.switch_to.window(unused)
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.get_log("browser")  # told once
