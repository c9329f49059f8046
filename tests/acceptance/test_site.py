"""The whole system: pages, limits, honest errors."""

import os
import signal
import socket
import time

import httpx
import pytest

from ..kit.waiting import wait_until
from .conftest import left_as_found

# For what workers, the broker and the rules of queues bring about, whatever server a front has.
under_one_server = pytest.mark.parametrize("server", ["uvicorn"], indirect=True)


@pytest.fixture(scope="module")
def standing_limited_site(make_shared_site):
    site = make_shared_site(MAX_BODY=100_000, MAX_MEMORY=1_000_000)
    site.front()
    site.workers()
    return site


@pytest.fixture
def limited(standing_limited_site):
    """A site that takes no more than 100 kB, shared."""
    with left_as_found(standing_limited_site):
        yield standing_limited_site


@pytest.fixture(scope="module")
def impatient_front(make_shared_site):
    site = make_shared_site(MAX_HOLD=2, LEASE=1)
    site.front()
    return site


@pytest.fixture
def impatient(impatient_front):
    """A site that holds requests for 2 s; its front is shared, workers are for tests to start."""
    with left_as_found(impatient_front):
        yield impatient_front


def own(response, status, error):
    """That it is the front's own answer, as P4 says."""
    assert response.status_code == status, response.text
    assert f"error={error}" in response.headers["proxy-status"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"] in response.text
    return response


def test_page_goes_through_the_queue(serving):
    site, before = serving, serving.queue()["enqueued_total"]
    _, supervisor = site.processes
    response = site.get("/run/a/", headers={"X-Request-ID": "mine-1"})
    assert (response.status_code, response.text) == (200, "a 0 1")
    assert response.headers["x-request-id"] == "mine-1"
    assert len(site.runs("a")) == 1
    assert int(site.runs("a")[0].split()[2]) != supervisor.pid  # a child of it ran it
    assert site.queue()["enqueued_total"] == before + 1


def test_200_requests_wait_for_a_worker(without_workers):
    site = without_workers
    # Certificates, of no use here, would be loaded for each.
    pending = [site.in_background("GET", f"/run/w{n}/") for n in range(200)]
    wait_until(lambda: site.queue()["depth"] == 200, "200 waiting")
    assert not site.runs()
    site.workers()
    assert [p.result().status_code for p in pending] == [200] * 200
    assert [p.result().text.split()[0] for p in pending] == [f"w{n}" for n in range(200)]
    assert sorted(line.split()[0] for line in site.runs()) == sorted(f"w{n}" for n in range(200))


@under_one_server
def test_strict_priority(without_workers):
    site = without_workers
    sent = 0
    for name in ("/low/run/l", "/run/d", "/high/run/h"):
        for n in range(3):
            site.in_background("GET", f"{name}{n}/")
            sent += 1
            wait_until(lambda wanted=sent: _depth(site) == wanted, "all sent wait")
    site.workers()
    wait_until(lambda: len(site.runs()) == 9)
    order = "h0 h1 h2 d0 d1 d2 l0 l1 l2"
    assert [line.split()[0] for line in site.runs()] == order.split()


@pytest.mark.parametrize("extra", [0, 1])
def test_body_limit(limited, extra):
    response = httpx.post(f"{limited.url}/run/b/", content=b"x" * (100_000 + extra), timeout=60)
    if extra:
        own(response, 413, "http_request_error")
        assert not limited.runs("b")
    else:
        assert response.text == "b 100000 1"


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 262_144, 1_000_003])
def test_bodies_arrive_whole(serving, size):
    def echoed(nonce: str, content) -> str:
        return httpx.post(f"{serving.url}/run/{nonce}/", content=content, timeout=60).text

    assert echoed("b", b"x" * size) == f"b {size} 1"

    def pieces():
        yield b"y" * (size // 2)
        yield b"z" * (size - size // 2)

    assert echoed("c", pieces()) == f"c {size} 1"


def test_queue_full(make_site):
    site = make_site(MAX_DEPTH=2)
    site.front()
    waiting = [site.in_background("GET", f"/run/f{n}/") for n in range(2)]
    wait_until(lambda: site.queue()["depth"] == 2)
    refused = own(site.get("/run/f2/"), 503, "destination_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    site.workers()
    assert [p.result().status_code for p in waiting] == [200, 200]
    assert not site.runs("f2")


def test_hold_ends_while_waiting(impatient):
    site = impatient
    began = time.monotonic()
    own(site.get("/run/h/"), 503, "destination_unavailable")
    assert time.monotonic() - began < 20  # without the setting, a minute
    site.workers()
    wait_until(lambda: site.get("/run/after/").status_code == 200, "it serves")
    assert not site.runs("h")


def test_hold_ends_in_flight(impatient):
    site = impatient
    site.workers()
    wait_until(lambda: site.get("/run/before/").status_code == 200, "it serves")
    own(site.get("/run/h/?seconds=4"), 504, "http_response_timeout")
    wait_until(lambda: site.queue()["in_flight"] == 0)
    assert len(site.runs("h")) == 1


def test_client_that_leaves_is_not_run(without_workers):
    site = without_workers
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(b"GET /run/gone/ HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: site.queue()["depth"] == 1)
    wait_until(lambda: site.queue()["depth"] == 0, "withdrawn")
    site.workers()
    assert site.get("/run/after/").status_code == 200
    assert not site.runs("gone")


@under_one_server
def test_killed_worker(make_site):
    site = make_site()
    site.front()
    site.workers("--processes", "1")
    get = site.in_background("GET", "/read-slowly/g/")
    wait_until(lambda: site.runs("g"))
    _kill(site, "g")
    site.ledger.with_name("g").touch()  # the other one does not wait
    assert get.result().status_code == 200
    assert len(site.runs("g")) == 2
    post = site.in_background("POST", "/read-slowly/p/")
    wait_until(lambda: site.runs("p"))
    _kill(site, "p")
    own(post.result(), 502, "connection_terminated")
    assert len(site.runs("p")) == 1
    assert site.status()["dead_letters"] == 1


@under_one_server
def test_poison_does_not_kill_the_fleet(site):
    site.front()
    site.workers("--processes", "1")
    own(site.get("/die/x/"), 502, "connection_terminated")
    assert len(site.runs("x")) == 2  # MAX_ATTEMPTS
    assert site.get("/run/after/").status_code == 200


def test_killed_while_streaming_is_cut(site):
    site.front()
    site.workers("--processes", "1")
    with httpx.stream("GET", f"{site.url}/stream/s/?count=1000&pause=0.05", timeout=60) as response:
        pieces = response.iter_raw()
        next(pieces)
        _kill(site, "s")
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in pieces:
                pass
    assert len(site.runs("s")) == 1


def test_unusable_answer(serving):
    refused = serving.get("/bad/b/", headers={"Accept": "application/json"})
    assert own(refused, 502, "http_protocol_error").json()["executed"] == "yes"
    assert serving.get("/run/after/").status_code == 200


@under_one_server
def test_drain_under_load(site):
    site.front()
    old = site.workers("--processes", "2")
    pending = [site.in_background("POST", f"/run/d{n}/?seconds=0.05") for n in range(40)]
    wait_until(lambda: len(site.runs()) >= 4)
    site.workers("--processes", "2")
    old.send_signal(signal.SIGTERM)
    assert old.wait(60) == 0
    assert [p.result().status_code for p in pending] == [200] * 40
    assert len(site.runs()) == 40


@under_one_server
def test_rolling_replacement_serves_fresh_code(site, tmp_path):
    code = tmp_path / "code"
    code.write_text("old")
    site.front()
    workers = site.workers("--processes", "2", PROBE_CODE=str(code))
    assert site.get("/code/").text == "old"
    code.write_text("new")
    workers.send_signal(signal.SIGHUP)
    seen = []
    wait_until(lambda: seen.append(site.get("/code/")) or seen[-1].text == "new", timeout=60)
    wait_until(lambda: {site.get("/code/").text for _ in range(6)} == {"new"}, timeout=60)
    assert {response.status_code for response in seen} == {200}


def test_broker_away(make_site):
    site = make_site(MAX_HOLD=6, LEASE=2)
    site.front()
    site.workers()
    site.broker.kill()
    own(site.get("/run/away/"), 503, "destination_unavailable")
    held = site.in_background("GET", "/run/back/")
    assert wait_until(lambda: site.get("/-/readyz").status_code == 503)
    site.broker.start()
    assert held.result().status_code == 200
    assert not site.runs("away")
    assert len(site.runs("back")) == 1


def test_front_stands_alone(site):
    site.front(PROBE_URLCONF="tests.acceptance.probe.broken")
    pending = site.in_background("GET", "/run/p12/")
    wait_until(lambda: site.queue()["depth"] == 1)
    site.workers()
    assert pending.result().status_code == 200


def test_graceful_stop_answers_what_is_held(site):
    front = site.front()
    site.workers()
    pending = site.in_background("GET", "/run/held/?seconds=1")
    wait_until(lambda: site.runs("held"))
    front.send_signal(signal.SIGTERM)
    assert pending.result().status_code == 200
    assert front.wait(60) == 0
    wait_until(lambda: not site.status()["fronts"])


@under_one_server
def test_clean_at_rest(site):
    front = site.front()
    workers = site.workers()
    for n in range(20):
        posted = httpx.post(f"{site.url}/run/c{n}/", content=b"x" * 200_000, timeout=60)
        assert posted.status_code == 200
    workers.send_signal(signal.SIGTERM)
    workers.wait(60)
    front.send_signal(signal.SIGTERM)
    front.wait(60)
    client = site.broker.client()
    left = {key.partition(":")[2].partition(":")[0] for key in client.keys("*")}
    assert left <= {"state", "queue", "stats", "history", "bell", "routes", "answered"}
    state = client.hgetall("{queueproxy}:state")
    assert state["bytes"] == state["waiting:default"] == state["inflight:default"] == "0"
    assert client.xlen("{queueproxy}:queue:default") == 0


def _depth(site):
    return sum(queue["depth"] for queue in site.status()["queues"])


def _kill(site, nonce):
    """Kill the process that runs the request now."""
    os.kill(int(site.runs(nonce)[-1].split()[2]), signal.SIGKILL)
