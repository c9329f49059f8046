"""A project with websockets of its own, as ``runqueueproxy`` serves its ASGI_APPLICATION."""

import signal

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from ..kit.waiting import wait_until

OWN = "tests.acceptance.probe.consumers.application"
PATIENCE = 60  # seconds


@pytest.fixture
def site(make_site, broker, monkeypatch):
    """With a front; its channel layer is on the queue's own server."""
    monkeypatch.setenv("PROBE_ASGI", OWN)
    monkeypatch.setenv("PROBE_URLCONF", "tests.acceptance.probe.notice_urls")
    monkeypatch.setenv("PROBE_LAYER_URL", broker.url)
    made = make_site()
    made.front()
    return made


def listen(site):
    url = f"ws://127.0.0.1:{site.port}/notices/"
    return connect(url, proxy=None, open_timeout=PATIENCE, compression=None)


def listening(site, *talking) -> None:
    """Wait until all have joined the group, which they do as they are accepted."""
    for number, one in enumerate(talking):
        one.send(f"hello {number}")
    for one in talking:
        heard = {one.recv(PATIENCE) for _ in talking}
        assert heard == {f"hello {number}" for number in range(len(talking))}


def test_a_worker_speaks_to_the_websockets_in_the_front(site):
    site.workers("--processes", "1")
    with listen(site) as one, listen(site) as other:
        wait_until(lambda: members(site) == 2, "both in the group")
        listening(site, one, other)
        assert site.get("/notify/news/").text == "news"
        assert [one.recv(PATIENCE), other.recv(PATIENCE)] == ["news", "news"]
    wait_until(lambda: members(site) == 0, "both have left the group")
    wait_until(lambda: site.queue()["completed_total"], "its worker has told of the request")
    assert site.queue()["completed_total"] == 1  # the websockets' words are no requests


def members(site) -> int:
    return site.broker.client().zcard("asgi:group:notices")


def test_a_path_that_no_consumer_has(site):
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{site.port}/elsewhere/", proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_the_front_stops_while_websockets_are_open_and_a_request_is_held(site):
    site.workers("--processes", "1")
    with listen(site) as talking:
        wait_until(lambda: members(site) == 1, "it is in the group")
        pending = site.in_background("GET", "/read-slowly/held/")
        wait_until(lambda: site.queue()["in_flight"] == 1, "a request in flight")
        front = site.processes[0]
        front.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as end:
            talking.recv(PATIENCE)
        assert end.value.rcvd.code == 1012
        site.ledger.with_name("held").touch()  # now the view goes on
        assert pending.result().status_code == 200
        assert front.wait(PATIENCE) == 0
    assert "Stopping: 1 request still running" in front.log.read_text()
    assert members(site) == 0  # its consumer was told, and left
    assert site.status()["fronts"] == []


@pytest.mark.parametrize(
    ("application", "said"),
    [
        ("project.plain_asgi.application", "constructs no queueproxy.asgi.QueueProxy"),
        ("nowhere.application", "can't be loaded: ModuleNotFoundError"),
    ],
)
def test_an_application_without_a_queue_is_not_served(make_site, application, said):
    site = make_site()
    words = ("runqueueproxy", str(site.port), "--server", site.server)
    done = site.run(*words, PROBE_ASGI=application)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"CommandError: ASGI_APPLICATION ({application}) ")
    assert said in line
    with pytest.raises(httpx.ConnectError):
        httpx.get(site.url)
