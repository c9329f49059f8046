"""The operators' lane: the page about the queue and its login pass a pause, nothing else does."""

import http.client

import pytest

from ..waiting import wait_until
from .site import Site

SETTINGS = "tests.acceptance.probe.admin_settings"
PAGE = "admin/queueproxy/queue/"
LOGIN = "admin/login/"
PASSWORD = "a password of the tests"


@pytest.fixture
def server():
    return "uvicorn"


@pytest.fixture
def site(make_site, tmp_path):
    site = make_site()
    site.environ |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "PROBE_DATABASE": str(tmp_path / "db")}
    return site


class Answer:
    """What came for a raw request."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()


def ask(site: Site, path: str, method="GET", body=None, **headers: str) -> Answer:
    """Send the path as it is, and wait for the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def pause(site: Site) -> None:
    done = site.run("queueproxy", "pause", "--timeout", "50", "--wait")
    assert done.returncode == 0, done.stderr


def in_flight(site: Site, queue: str, number: int) -> bool:
    return site.queue(queue)["in_flight"] == number


def test_a_path_that_looks_like_the_page_waits(site):
    """It ran during a pause: /queueproxy/ somewhere in it was enough."""
    site.front()
    site.workers()
    pause(site)
    client = site.in_background("POST", "/shop/queueproxy/buy", content=b"1 piece")
    wait_until(lambda: site.runs("buy") or site.queue()["depth"] == 1, "it waits")
    assert site.runs("buy") == []
    assert site.run("queueproxy", "resume").returncode == 0
    assert client.result().status_code == 200
    assert len(site.runs("buy")) == 1


def test_strangers_take_no_precedence(site):
    """40 requests for files that do not exist went before everybody else's."""
    site.front()
    site.workers("--threads", "1")
    first = site.in_background("GET", "/run/first/?seconds=3")
    wait_until(lambda: in_flight(site, "default", 1), "the thread is taken")
    honest = site.in_background("GET", "/run/honest/")
    wait_until(lambda: site.queue()["depth"] == 1, "it waits")
    strangers = [site.in_background("GET", f"/static/admin/nope{n}") for n in range(40)]
    assert [one.result().status_code for one in (first, honest, *strangers)] == [200] * 42
    assert [line.split()[0] for line in site.runs()][:2] == ["first", "honest"]
