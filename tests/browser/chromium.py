"""A headless Chromium of a width and a colour scheme."""

import shutil
from pathlib import Path

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
