"""The example site as `make run` starts it, and a headless Chromium."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ..acceptance.site import free_port
from ..servers import missing
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Example:
    """A running example site."""

    def __init__(self, directory: Path):
        self.port = free_port()
        self.environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "QUEUEPROXY_VAR": str(directory),
        }
        self.environ.pop("QUEUEPROXY_BROKER_URL", None)
        self.log = directory / "log"
        for words in (["migrate", "-v0"], ["sampledata"]):
            self.manage(*words).check_returncode()
        words = ("runqueueproxy", f"127.0.0.1:{self.port}", "--embedded", "--workers", "2")
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", *words, "--server", "uvicorn"],
            cwd=ROOT,
            env=self.environ,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until(self._serves, f"the site: {self.log}", timeout=40)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *words: str) -> subprocess.CompletedProcess:
        """Run a management command."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def _serves(self) -> bool:
        try:
            return httpx.get(self.url, timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """As Ctrl-C would; nothing may be left."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(40) == 0


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    site = Example(tmp_path_factory.mktemp("example"))
    yield site
    site.stop()


@pytest.fixture
def open_browser(tmp_path):
    """Opens a browser of a width and a colour scheme."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        missing("Chromium and its driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    opened = []

    def open_browser(width=1200, height=1400, *, dark=False, javascript=True):
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={tmp_path}/chromium{len(opened)}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path)})
        browser = webdriver.Chrome(options=options, service=Service(driver))
        opened.append(browser)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        if not javascript:
            browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        return browser

    yield open_browser
    for browser in opened:
        browser.quit()
