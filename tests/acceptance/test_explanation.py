"""With DEBUG on, a server without broker or worker tells a browser what to run."""

import os
import time

import httpx
import pytest

from queueproxy.keys import Keys

from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.waiting import wait_until

KEYS = Keys("queueproxy")
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


class Development:
    """The example site under runserver.

    Args:
        directory: for the database and the logs.
        broker_url: of the queue.
    """

    def __init__(self, directory, broker_url: str):
        own = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
        site = {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "QUEUEPROXY_VAR": str(directory),
            "QUEUEPROXY_BROKER_URL": broker_url,
            "DEBUG": "1",
        }
        self.commands = Commands(directory, own | site, ("manage.py",))
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        words = ("runserver", self.url.removeprefix("http://"), "--noreload")
        self.server = self.commands.manage(*words)
        wait_until(lambda: self.get("/-/livez"), str(self.server.log), 60)

    def get(self, path: str, **headers: str) -> httpx.Response | None:
        try:
            return httpx.get(self.url + path, headers=headers, timeout=60)
        except httpx.ConnectError:
            return None

    def stop(self) -> None:
        for process in reversed(self.commands.processes):
            process.terminate()
            process.wait(60)


@pytest.fixture
def develop(tmp_path):
    """Starts the example site under runserver."""
    started = []

    def develop(broker_url: str) -> Development:
        started.append(Development(tmp_path, broker_url))
        started[-1].start()
        return started[-1]

    yield develop
    for development in started:
        development.stop()


def test_no_worker(develop, broker):
    site = develop(broker.url)
    began = time.monotonic()
    page = site.get("/request/", **BROWSER)
    assert 3 <= time.monotonic() - began < 40  # it would be held for a minute
    assert page.status_code == 503
    assert "manage.py runqueueworker" in page.text
    assert page.headers["refresh"] == page.headers["retry-after"] == "2"
    assert page.headers["cache-control"] == "no-store"
    assert "proxy-status" in page.headers
    assert "manage.py runqueueworker" in site.server.log.read_text()
    waiting = KEYS.named("queue", "default")
    wait_until(lambda: broker.client().xlen(waiting) == 0, "its place is given back")
    site.commands.manage("runqueueworker")
    wait_until(lambda: site.get("/request/", **BROWSER).status_code == 200, "a page", 60)


def test_no_broker(develop, tmp_path):
    site = develop(f"unix://{tmp_path / 'nowhere'}")
    page = site.get("/request/", **BROWSER)
    assert page.status_code == 503
    assert "manage.py runqueueproxy --embedded" in page.text
    assert "manage.py runqueueproxy --embedded" in site.server.log.read_text()


def test_what_is_no_page_waits(develop, broker):
    """A script, or a picture, gets its answer when a worker comes."""
    site = develop(broker.url)
    assert site.get("/request/", **BROWSER).status_code == 503  # nobody has been there for long
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{site.url}/request/?format=json", timeout=5)
