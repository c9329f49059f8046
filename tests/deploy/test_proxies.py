"""A real site behind nginx, HAProxy and Caddy, set up by the files of deploy/."""

import hashlib
import re
import secrets
import shutil
import tempfile
from pathlib import Path

import httpx
import pytest

from ..acceptance.site import Site
from ..kit.broker_server import BrokerServer
from ..kit.processes import STARTS_WITHIN
from ..kit.waiting import wait_until
from .proxies import Proxy
from .tools import DEPLOY

MAX_HOLD = 60  # seconds, the setting's default


class ProxiedSite(Site):
    """A site whose clients come through a proxy. Arguments as for `Site`, and the proxy's name."""

    def __init__(self, directory: Path, broker, proxy: str):
        trusted = "127.0.0.1" if proxy == "haproxy" else "unix:"
        super().__init__(directory, broker, "uvicorn", TRUSTED_PROXIES=[trusted])
        self._by_socket = proxy != "haproxy"
        where = str(directory / "front.sock") if self._by_socket else f"127.0.0.1:{self.port}"
        self.proxy = Proxy(proxy, directory, where)
        self._address = f"unix:{where}" if self._by_socket else where

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.proxy.port}"

    def start(self) -> None:
        """Start front, worker and proxy, and wait until a page comes through."""
        self.manage("runqueueproxy", self._address, "--server", "uvicorn")
        self.workers("--threads", "4", PROBE_URLCONF="tests.deploy.urls")
        self.proxy.start()
        wait_until(self._serves, f"proxy: {self.proxy.log}", STARTS_WITHIN)

    def _serves(self) -> bool:
        answer = self.get("/peer/")
        return answer is not None and answer.status_code == 200

    def get(self, path: str, **options) -> httpx.Response | None:
        return super().get(path, verify=False, **options)

    def in_background(self, method: str, path: str, **options):
        return super().in_background(method, path, verify=False, **options)

    def stop(self) -> None:
        self.proxy.stop()
        super().stop()


@pytest.fixture(scope="module", params=["nginx", "haproxy", "caddy"])
def site(request):
    directory = Path(tempfile.mkdtemp(prefix="qpproxy-"))  # short enough for a socket's path
    broker = BrokerServer().start()
    site = ProxiedSite(directory, broker, request.param)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        broker.stop()
        shutil.rmtree(directory)


@pytest.fixture
def nonce():
    return secrets.token_hex(8)


@pytest.fixture
def paused(site):
    """Nothing is started while the test looks; it goes on by `site.run("queueproxy", "resume")`."""
    assert site.run("queueproxy", "pause", "--timeout", "50").returncode == 0
    yield
    site.run("queueproxy", "resume")


def test_its_own_check_finds_nothing(site):
    done = site.proxy.check()
    assert done.returncode == 0, done.stdout
    assert "[warn" not in done.stdout.lower()  # nginx' and HAProxy's


def test_the_view_sees_the_client_and_not_what_the_client_says(site):
    forged = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "http"}
    assert site.get("/peer/", headers=forged).text == "127.0.0.1 https"


def test_a_held_client_waits_behind_it(site, paused, nonce):
    pending = site.in_background("GET", f"/run/{nonce}/")
    wait_until(lambda: site.queue()["depth"] == 1, "it waits")
    assert site.run("queueproxy", "resume").returncode == 0
    answer = pending.result()
    assert (answer.status_code, answer.text.split()[0]) == (200, nonce)


def test_a_client_that_leaves_is_taken_off_the_queue(site, paused, nonce):
    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(verify=False, timeout=httpx.Timeout(10, read=1)) as client,
    ):
        client.get(f"{site.url}/run/{nonce}/")
    wait_until(lambda: site.queue()["depth"] == 0, "it is withdrawn")
    assert site.runs(nonce) == []


def test_a_stream_comes_piece_by_piece(site, nonce):
    with (
        httpx.Client(verify=False, timeout=60) as client,
        client.stream("GET", f"{site.url}/stream/{nonce}/?size=10&count=3&pause=2") as answer,
    ):
        pieces = answer.iter_raw()
        first = next(pieces)
        assert len(first) < 30, "it comes before the others are made"
        assert len(first) + sum(map(len, pieces)) == 30


def test_an_upload_comes_whole(site, nonce):
    body = secrets.token_bytes(3_000_000)
    answer = site.in_background("POST", f"/digest/{nonce}/", content=body).result()
    assert answer.text == hashlib.sha256(body).hexdigest()


def test_a_lost_post_is_told_as_the_front_tells_it_and_not_sent_again(site, nonce):
    answer = site.in_background("POST", f"/die/{nonce}/").result()
    assert answer.status_code == 502
    assert "connection_terminated" in answer.headers["proxy-status"]
    assert len(site.runs(nonce)) == 1


@pytest.mark.parametrize("path", ["/-/metrics", "/-/status", "/-/livez"])
def test_the_fronts_own_endpoints_are_not_for_everybody(site, path):
    assert site.get(path).status_code == 404


@pytest.mark.parametrize(
    ("file", "limit"),
    [
        ("nginx/queueproxy.conf", r"proxy_read_timeout (\d+)s;"),
        ("nginx/queueproxy.conf", r"proxy_send_timeout (\d+)s;"),
        ("haproxy/haproxy.cfg", r"timeout server (\d+)s"),
        ("haproxy/haproxy.cfg", r"timeout client (\d+)s"),
        ("caddy/Caddyfile", r"response_header_timeout (\d+)s"),
    ],
)
def test_it_waits_for_longer_than_a_client_is_held(file, limit):
    (seconds,) = re.findall(limit, (DEPLOY / file).read_text())
    assert int(seconds) >= MAX_HOLD + 10
