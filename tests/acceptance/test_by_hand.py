"""Servers started by hand: whom they believe by themselves is not whom the front believes."""

import pytest

from ..kit.asking import listens
from ..kit.commands import Commands
from .site import Site

URLS = {"PROBE_URLCONF": "tests.acceptance.probe.peer_urls"}
BY_HAND = {
    "uvicorn": ("uvicorn", "--log-level", "critical", "--port"),
    "uvicorn-h11": ("uvicorn", "--log-level", "critical", "--http", "h11", "--port"),
    "uvicorn-all": ("uvicorn", "--forwarded-allow-ips", "*", "--port"),
    "daphne": ("daphne", "-v", "0", "--proxy-headers", "-p"),
}
FORWARDED = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "https"}
WARNING = "The server believes X-Forwarded-For"


@pytest.fixture(params=BY_HAND)
def server(request):
    return request.param


@pytest.fixture
def start(make_site, server):
    """Starts a server by hand, and a worker; the site and the server's log."""

    def start(**settings) -> tuple[Site, str]:
        site = make_site(**settings)
        words = (*BY_HAND[server], str(site.port), "queueproxy.asgi:application")
        process = Commands(site.directory, site.environ, ("-m",)).manage(*words)
        site.processes.append(process)
        process.until(lambda: listens(site.port), "the server")
        site.workers(**URLS)
        return site, process.log

    return start


def test_nobody_is_believed_but_trusted_proxies(start):
    site, log = start()
    assert site.get("/peer/").text == "127.0.0.1 http"
    assert WARNING not in log.read_text()
    for _ in range(2):
        assert site.get("/peer/", headers=FORWARDED).text == "127.0.0.1 http"
    assert log.read_text().count(WARNING) == 1
    loopback = {"X-Forwarded-For": "127.0.0.1"}
    assert site.get("/-/metrics", headers=loopback).status_code == 403


def test_a_trusted_proxy_is_believed(start):
    site, log = start(TRUSTED_PROXIES=["127.0.0.1"], MONITORING=["10.0.0.0/8"])
    assert site.get("/peer/", headers=FORWARDED).text == "10.9.8.7 https"
    made_up = {"X-Forwarded-For": "1.1.1.1, 10.9.8.7"}
    assert site.get("/peer/", headers=made_up).text == "10.9.8.7 http"
    assert site.get("/-/metrics", headers=FORWARDED).status_code == 200
    assert site.get("/-/metrics").status_code == 403
    assert WARNING not in log.read_text()
