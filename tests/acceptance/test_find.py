"""queueproxy find: from the id that a client was told to what became of its request."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from queueproxy.broker.observe.find import RequestFinder

from ..brokers import QUEUES
from ..integration.serving import Client
from ..kit.links import link_to
from ..kit.waiting import wait_until
from .conftest import left_as_found


@pytest.fixture(scope="module")
def server():
    return "uvicorn"  # where it goes on, fronts play no part


@pytest.fixture(scope="module")
def impatient_front(make_shared_site):
    site = make_shared_site(MAX_HOLD=3, LEASE=1.5)
    site.front()
    return site


@pytest.fixture
def impatient(impatient_front):
    """A site that holds requests for 3 s; its front is shared, workers are for tests to start."""
    with left_as_found(impatient_front):
        yield impatient_front


@contextmanager
def finder(site) -> Iterator[Callable[[str], list[dict]]]:
    """Finds as the command does, which takes a while to start."""
    with link_to(site.broker.url) as link:
        requests = RequestFinder(link, ("ops", *QUEUES))
        yield lambda id: [one.as_json() for one in requests.find(id)]


def found(site, id: str, state: str) -> dict:
    """The one of that id, once it is in that state: workers tell of many at once."""
    with finder(site) as find:

        def look():
            return [one for one in find(id) if one["state"] == state]

        (one,) = wait_until(look, f"{id} {state}", timeout=60)
    return one


def whole(site, id: str, state: str, *steps: str) -> dict:
    """The one of that id, once it is in that state and these steps are known, in this order."""
    with finder(site) as find:

        def look():
            found = find(id)
            if len(found) != 1 or found[0]["state"] != state:
                return None
            known = [moment["what"] for moment in found[0]["moments"] if moment["what"] in steps]
            return found[0] if known == list(steps) else None

        return wait_until(look, f"{id} {state} {steps}", timeout=60)


def between(one: dict, first: str, last: str) -> float:
    at = {moment["what"]: moment["at"] for moment in one["moments"]}
    return at[last] - at[first]


@pytest.mark.parametrize(
    ("kind", "options"), [("threads", ()), ("loop", ("--async", "8"))], ids=["threads", "loop"]
)
def test_the_way_of_a_request(without_workers, kind, options):
    site, id = without_workers, f"slow-{kind}"
    began = time.time()
    slow = {"X-Request-ID": id}
    pending = site.in_background("GET", f"/read-slowly/{id}/", headers=slow)
    assert found(site, id, "waiting")["path"] == f"/read-slowly/{id}/"
    site.workers(*options)
    running = found(site, id, "running")
    assert running["moments"][-1]["by"]
    seen = time.time()
    wait_until(lambda: time.time() > seen + 1)
    site.ledger.with_name(id).touch()  # now it ends
    assert pending.result().status_code == 200
    one = found(site, id, "answered")
    assert json.loads(site.run("queueproxy", "find", id, "--json").stdout) == [one]
    assert (one["status"], one["attempts"], one["route"]) == (200, 1, "/read-slowly/<nonce>/")
    assert one["moments"][2]["by"] == running["moments"][2]["by"]
    assert 0.9 < between(one, "claimed", "settled") < time.time() - began
    assert between(one, "queued", "claimed") > 0.2  # until a worker had started
    assert began - 1 < one["moments"][0]["at"] < time.time()

    answer = httpx.get(f"{site.url}/stream/s/?count=10&pause=0.3", timeout=60)
    one = found(site, answer.headers["X-Request-ID"], "answered")
    assert between(one, "claimed", "first_byte") < 2
    assert between(one, "first_byte", "settled") > 2.4

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


def test_one_that_waited_too_long(impatient):
    site = impatient
    answer = httpx.get(f"{site.url}/run/a/", timeout=60)
    assert answer.status_code == 503
    one = found(site, answer.headers["X-Request-ID"], "refused")
    assert one["reason"].startswith("The request waited too long.")
    assert one["queue"] == "default"
    assert 2 < between(one, "arrived", "refused") < 20
    said = site.run("queueproxy", "find", answer.headers["X-Request-ID"]).stdout
    assert "was answered by its front 503: The request waited too long." in said


def test_one_that_ran_too_long(impatient):
    """One request, though its front and its worker tell of it, each when it is through."""
    site = impatient
    site.workers()
    late = {"X-Request-ID": "late-1"}
    answer = httpx.get(f"{site.url}/run/late/?seconds=6", headers=late, timeout=60)
    assert answer.status_code == 504
    one = whole(site, "late-1", "refused", "claimed", "refused")
    assert (one["status"], one["path"]) == (504, "/run/late/")
    one = whole(site, "late-1", "refused", "refused", "settled")
    assert (one["status"], one["route"], one["attempts"]) == (504, "/run/<nonce>/", 1)
    assert between(one, "refused", "settled") > 1


def test_one_whose_client_left_before_its_answer(serving):
    site = serving
    with Client(("127.0.0.1", site.port)) as client:
        client.get("/run/gone/?seconds=3", "X-Request-ID: gone-1")
        wait_until(lambda: site.runs("gone"), "it runs")
    one = whole(site, "gone-1", "left", "left", "settled")
    assert (one["status"], one["reason"]) == (0, "")
    assert between(one, "left", "settled") > 1


def test_one_whose_client_left(serving):
    site = serving
    with httpx.stream(
        "GET",
        f"{site.url}/stream/l/?count=1000&pause=0.02",
        headers={"X-Request-ID": "left-1"},
        timeout=60,
    ) as answer:
        next(answer.iter_raw())
    one = whole(site, "left-1", "left", "claimed", "first_byte")
    assert between(one, "claimed", "first_byte") < 10  # of twenty


def test_nothing_is_kept_where_a_setting_says_so(make_site):
    site = make_site(KEEP_ANSWERED=0)
    site.front()
    site.workers()
    answer = httpx.get(f"{site.url}/run/a/", timeout=60)
    wait_until(lambda: site.queue()["completed_total"] == 1, "its worker has told of it")
    said = site.run("queueproxy", "find", answer.headers["X-Request-ID"])
    assert said.returncode == 1
    assert "KEEP_ANSWERED is 0" in said.stdout
