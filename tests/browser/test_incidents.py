"""Incidents that were planted: from the index of the admin to the culprit in three clicks or less.

A slow view is in test_routes.py, a bad release in test_releases.py.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ..kit.waiting import wait_until
from .pages import complaints
from .person import Person

pytestmark = pytest.mark.browser
FLOODER = "127.0.0.2"
LEASE_BEATS = 60  # seconds in which a worker has told its memory often enough


@pytest.fixture
def person(open_dashboard):
    """Who has just heard that something is wrong."""
    person = Person(open_dashboard())
    person.start_at_the_index()
    yield person
    assert person.clicks <= 3
    told = complaints(person.page.browser)
    assert not [text for text in told if "status of" not in text]  # a refusal is no fault of a page


@pytest.fixture
def flooded(site):
    """Thirty connections from one address that ask for slow pages, and two from another."""
    stop = threading.Event()

    def ask(address: str, pause: float) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        with httpx.Client(transport=transport, base_url=site.url, timeout=60) as client:
            while not stop.wait(pause):
                client.get("/slow/?seconds=0.3")

    with ThreadPoolExecutor(32) as pool:
        asked = [pool.submit(ask, FLOODER, 0.01) for _ in range(30)]
        asked += [pool.submit(ask, "127.0.0.1", 1.0) for _ in range(2)]
        yield
        stop.set()
    for one in asked:
        one.result()


def test_a_client_floods(flooded, person):
    person.click("Queue", "#content-main a")
    wait_until(lambda: person.page.figure("default", "depth") > 10, "it is seen that many wait")
    person.press("[data-key=default] .qp-by-client")
    first = person.page.text(".qp tbody tr:first-child")
    assert first.startswith(FLOODER)
    assert person.page.text(".qp tbody tr:first-child .qp-alarm")
    assert "/slow/" in first


@pytest.fixture
def leaking(site):
    """A worker that keeps more with each request, beside others that don't; its process id."""
    workers = site.workers("--processes", "1", "--threads", "1", LEAKS="1")
    yield lambda: leaked(site)
    site.stop(workers)


def leaked(site) -> str:
    """Make it leak 120 MiB."""

    def some() -> str:
        with ThreadPoolExecutor(6) as pool:
            answers = pool.map(lambda _: httpx.get(f"{site.url}/leak/", timeout=60).text, range(6))
            told = [answer.split() for answer in answers]
        return next((pid for kept, pid in told if int(kept) >= 3), "")

    return wait_until(some, "a leak", timeout=60)


def test_a_worker_leaks(leaking, person):
    person.click("Queue", "#content-main a")
    lines = ".qp-memory polyline"
    seen = person.page.browser.find_elements
    wait_until(lambda: len(seen("css selector", lines)) == 3, "three lines", timeout=LEASE_BEATS)
    pid = leaking()
    culprit = "[aria-labelledby=qp-workers] tr:has(.qp-memory .qp-alarm)"
    wait_until(lambda: person.page.text(culprit), "who stands out", timeout=LEASE_BEATS)
    assert f":{pid}" in person.page.text(culprit)
    assert "MiB in" in person.page.text(culprit)
    assert len(seen("css selector", culprit)) == 1


@pytest.fixture
def full_broker(site):
    """Makes the broker's memory so full; afterwards it has no limit again."""
    client = site.broker.client()

    def fill(share: float) -> None:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", int(used / share))

    yield fill
    client.config_set("maxmemory", 0)


def test_the_broker_runs_out_of_memory(site, full_broker, person):
    full_broker(0.95)
    person.click("Queue", "#content-main a")

    def is_told() -> bool:
        full_broker(0.95)  # of what it uses by now
        return person.page.text(".qp-badges") == "The broker is nearly out of memory"

    wait_until(is_told, "the badge")
    assert person.page.text("[data-key=broker] .qp-alarm").endswith("MiB")
    full_broker(1.1)  # from now on it takes no request, this page's own among them
    wait_until(lambda: "this page has no answer" in person.page.text("#qp-outdated"), "it is told")
    person.page.browser.get(f"{site.url}/-/status")
    assert "it is full, and takes no request" in person.page.text("[data-level=error]")
