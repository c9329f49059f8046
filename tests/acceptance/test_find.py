"""queueproxy find: from the id that a client was told to what became of its request."""

import json
import time

import httpx
import pytest

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.observe.find import RequestFinder

from ..brokers import QUEUES
from ..kit.waiting import wait_until


@pytest.fixture
def server():
    return "uvicorn"  # where it goes on, fronts play no part


def find(site, id: str) -> list[dict]:
    """As the command does, which takes a while to start."""
    with Broker(BrokerAddress(site.broker.url), "queueproxy", 15).link("test") as link:
        return [one.as_json() for one in RequestFinder(link, ("ops", *QUEUES)).find(id)]


def found(site, id: str, state: str) -> dict:
    """The one of that id, once it is in that state: workers tell of many at once."""

    def look():
        return [one for one in find(site, id) if one["state"] == state]

    (one,) = wait_until(look, f"{id} {state}", timeout=20)
    return one


def whole(site, id: str, state: str, *steps: str) -> dict:
    """The one of that id, once it is in that state and these steps are known, in this order."""

    def look():
        found = find(site, id)
        if len(found) != 1 or found[0]["state"] != state:
            return None
        known = [moment["what"] for moment in found[0]["moments"] if moment["what"] in steps]
        return found[0] if known == list(steps) else None

    return wait_until(look, f"{id} {state} {steps}", timeout=20)


def between(one: dict, first: str, last: str) -> float:
    at = {moment["what"]: moment["at"] for moment in one["moments"]}
    return at[last] - at[first]


@pytest.mark.parametrize("options", [(), ("--async", "8")], ids=["threads", "loop"])
def test_the_way_of_a_request(site, options):
    site.front()
    began = time.time()
    slow = {"X-Request-ID": "slow-1"}
    pending = site.in_background("GET", "/run/slow/?seconds=2", headers=slow)
    assert found(site, "slow-1", "waiting")["path"] == "/run/slow/"
    site.workers(*options)
    running = found(site, "slow-1", "running")
    assert running["moments"][-1]["by"]
    answer = pending.result()
    assert answer.status_code == 200
    one = found(site, "slow-1", "answered")
    assert json.loads(site.run("queueproxy", "find", "slow-1", "--json").stdout) == [one]
    assert (one["status"], one["attempts"], one["route"]) == (200, 1, "/run/<nonce>/")
    assert one["moments"][2]["by"] == running["moments"][2]["by"]
    assert 1.9 < between(one, "claimed", "settled") < 5
    assert between(one, "queued", "claimed") > 0.2  # until a worker had started
    assert began - 1 < one["moments"][0]["at"] < time.time()

    answer = httpx.get(f"{site.url}/stream/s/?count=10&pause=0.1", timeout=60)
    one = found(site, answer.headers["X-Request-ID"], "answered")
    assert between(one, "claimed", "first_byte") < 0.5
    assert between(one, "first_byte", "settled") > 0.8

    answer = httpx.get(f"{site.url}/nowhere/", timeout=60)
    one = found(site, answer.headers["X-Request-ID"], "answered")
    assert (one["status"], one["route"]) == (404, "(no route matched)")


def test_one_whose_worker_died(site):
    site.front()
    site.workers()
    answer = httpx.post(f"{site.url}/die/d/", timeout=60)
    assert answer.status_code == 502
    one = whole(site, answer.headers["X-Request-ID"], "dead", "settled", "refused")
    assert (one["reason"], one["method"], one["path"]) == ("worker_lost", "POST", "/die/d/")
    assert one["status"] == 502


def test_one_that_waited_too_long(make_site):
    site = make_site(MAX_HOLD=1.5, LEASE=0.5)
    site.front()
    answer = httpx.get(f"{site.url}/run/a/", timeout=60)
    assert answer.status_code == 503
    one = found(site, answer.headers["X-Request-ID"], "refused")
    assert one["reason"].startswith("The request waited too long.")
    assert one["queue"] == "default"
    assert 1 < between(one, "arrived", "refused") < 10
    said = site.run("queueproxy", "find", answer.headers["X-Request-ID"]).stdout
    assert "was answered by its front 503: The request waited too long." in said


def test_one_that_ran_too_long(make_site):
    """One request, though its front and its worker tell of it, each when it is through."""
    site = make_site(MAX_HOLD=1.5, LEASE=0.5)
    site.front()
    site.workers()
    late = {"X-Request-ID": "late-1"}
    answer = httpx.get(f"{site.url}/run/late/?seconds=4", headers=late, timeout=60)
    assert answer.status_code == 504
    one = whole(site, "late-1", "refused", "claimed", "refused")
    assert (one["status"], one["path"]) == (504, "/run/late/")
    one = whole(site, "late-1", "refused", "refused", "settled")
    assert (one["status"], one["route"], one["attempts"]) == (504, "/run/<nonce>/", 1)
    assert between(one, "refused", "settled") > 1


def test_one_whose_client_left_before_its_answer(site):
    site.front()
    site.workers()
    gone = {"X-Request-ID": "gone-1"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{site.url}/run/gone/?seconds=3", headers=gone, timeout=0.5)
    one = whole(site, "gone-1", "left", "left", "settled")
    assert (one["status"], one["reason"]) == (0, "")
    assert between(one, "left", "settled") > 1


def test_one_whose_client_left(site):
    site.front()
    site.workers()
    with httpx.stream(
        "GET",
        f"{site.url}/stream/l/?count=1000&pause=0.02",
        headers={"X-Request-ID": "left-1"},
        timeout=60,
    ) as answer:
        next(answer.iter_raw())
    one = found(site, "left-1", "left")
    assert between(one, "claimed", "first_byte") < 1


def test_nothing_is_kept_where_a_setting_says_so(make_site):
    site = make_site(KEEP_ANSWERED=0)
    site.front()
    site.workers()
    answer = httpx.get(f"{site.url}/run/a/", timeout=60)
    wait_until(lambda: site.queue()["completed_total"] == 1, "its worker has told of it")
    said = site.run("queueproxy", "find", answer.headers["X-Request-ID"])
    assert said.returncode == 1
    assert "KEEP_ANSWERED is 0" in said.stdout
