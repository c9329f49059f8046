"""The operators' lane: the page about the queue and its login pass a pause, nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from queueproxy import route_table
from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.route_table import RouteTable

from ..browser.example import token_of
from ..kit.waiting import wait_until
from .probe.settings import SECRET_KEY
from .site import Site

SETTINGS = "tests.acceptance.probe.admin_settings"
PAGE = "/admin/queueproxy/queue/"
LOGIN = "/admin/login/"
PASSWORD = "a-password-of-the-tests"
ROUTES = "{queueproxy}:routes"


@pytest.fixture
def server():
    return "uvicorn"


@pytest.fixture
def site(make_site, tmp_path):
    site = make_site()
    site.worker_role = "dashboard"
    site.environ |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "PROBE_DATABASE": str(tmp_path / "db")}
    return site


def pause(site: Site) -> None:
    done = site.run("queueproxy", "pause", "--timeout", "300", "--wait")
    assert done.returncode == 0, done.stderr


def in_flight(site: Site, queue: str, number: int) -> bool:
    return site.queue(queue)["in_flight"] == number


def test_a_path_that_looks_like_the_page_waits(site):
    """It ran during a pause: /queueproxy/ somewhere in it was enough."""
    site.front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    pause(site)
    client = site.in_background("POST", "/shop/queueproxy/buy", content=b"1 piece")
    wait_until(lambda: site.runs("buy") or site.queue()["depth"] == 1, "it waits")
    assert site.runs("buy") == []
    assert site.run("queueproxy", "resume").returncode == 0
    assert client.result().status_code == 200
    assert len(site.runs("buy")) == 1


def test_strangers_take_no_precedence(site, tmp_path):
    """40 requests for files that do not exist went before everybody else's."""
    site.front()
    site.workers("--threads", "1")
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    gate = tmp_path / "gate"
    first = site.in_background("GET", "/run/first/", headers={"X-Until": str(gate)})
    wait_until(lambda: in_flight(site, "default", 1), "the thread is taken")
    honest = site.in_background("GET", "/run/honest/")
    wait_until(lambda: site.queue()["depth"] == 1, "it waits")
    strangers = [site.in_background("GET", f"/static/admin/nope{n}") for n in range(40)]
    wait_until(lambda: site.queue()["depth"] + site.queue("ops")["depth"] == 41, "all wait")
    gate.touch()
    assert [one.result().status_code for one in (first, honest, *strangers)] == [200] * 42
    assert [line.split()[0] for line in site.runs()][:2] == ["first", "honest"]


# What passes.


@contextmanager
def logged_in(site: Site, admin: str = "/admin/") -> Iterator[httpx.Client]:
    """As somebody does who finds the site paused: log in, then see the page."""
    page = f"{admin}queueproxy/queue/"
    with httpx.Client(base_url=site.url, timeout=60) as client:
        form = {"username": "ann", "password": PASSWORD, **token_of(client, f"{admin}login/")}
        answer = client.post(f"{admin}login/", params={"next": page}, data=form)
        assert (answer.status_code, answer.headers["location"]) == (302, page)
        assert client.get(page).status_code == 200
        yield client


def with_ann(site: Site) -> Site:
    """The site, with a database and a person who may see the page."""
    site.run("migrate", "-v0").check_returncode()
    ann = ("createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.org")
    site.run(*ann, DJANGO_SUPERUSER_PASSWORD=PASSWORD).check_returncode()
    return site


def in_lane(site: Site, path: str = LOGIN, *, within: float = 3) -> bool:
    """Whether a request there passes a pause of all queues, which is in force."""
    try:
        return httpx.get(site.url + path, timeout=within).status_code == 200
    except httpx.ReadTimeout:
        return False


def goes_in_lane(site: Site, path: str) -> bool:
    """Whether requests for a path are counted in the lane."""
    before = site.queue("ops")["enqueued_total"]
    site.get(path)
    return site.queue("ops")["enqueued_total"] > before


def test_the_page_and_its_login_pass_a_pause(site):
    with_ann(site).front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    pause(site)
    with logged_in(site) as client:
        assert client.get(f"{PAGE}data/").status_code == 200
        form = {"csrfmiddlewaretoken": client.cookies["csrftoken"], "queue": "default"}
        assert client.post(f"{PAGE}resume/", data=form).status_code == 302
    assert not site.queue()["paused"]
    assert site.get("/run/after/").status_code == 200


def test_wherever_the_admin_is(site):
    site.environ["PROBE_ADMIN"] = "büro/"
    with_ann(site).front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, "/b%C3%BCro/login/"), "the front knows the lane")
    pause(site)
    with logged_in(site, "/b%C3%BCro/"):
        pass
    assert not in_lane(site, "/admin/login/")


def test_in_every_language(site):
    site.environ["PROBE_LANGUAGES"] = "1"
    with_ann(site).front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, "/fr/admin/login/"), "the front knows the lane")
    pause(site)
    for language in ("de", "fr"):
        with logged_in(site, f"/{language}/admin/"):
            pass


def test_a_front_that_was_there_before_any_worker(site):
    """It knows of no lane: a request for the page waits like any other, and is answered."""
    site.front()
    early = site.in_background("GET", LOGIN)
    wait_until(lambda: site.queue()["depth"] == 1, "it waits among the others")
    site.workers()
    assert early.result().status_code == 200
    pause(site)
    wait_until(lambda: in_lane(site), "the front has learnt of the lane")


def test_a_front_that_comes_during_a_pause(site):
    front = site.front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    pause(site)
    front.terminate()
    front.wait(60)
    site.front()
    wait_until(lambda: in_lane(site), "the front has learnt of the lane")


def test_the_table_is_lost_with_the_data(site):
    site.front()
    site.workers()
    table = wait_until(lambda: site.broker.client().hget(ROUTES, "table"), "a table")
    site.broker.client().flushdb()
    wait_until(lambda: site.broker.client().hget(ROUTES, "table") == table, "it is there again")
    wait_until(lambda: site.get("/run/a/").status_code == 200, "the site serves")
    pause(site)
    wait_until(lambda: in_lane(site), "the front knows the lane")


# What does not.


def table(secret: str, *paths: str) -> tuple[str, bytes]:
    """A table and its digest."""
    signer = route_table.signer((secret,), "queueproxy")
    raw = route_table.encoded(RouteTable("another", list(paths)), signer)
    return route_table.table_digest(raw), raw


def test_a_forged_table_is_ignored(site):
    front = site.front()
    workers = site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    pause(site)
    assert in_lane(site, within=60)
    workers.kill()
    wait_until(lambda: not site.status()["workers"], "nobody is there to replace it")
    digest, raw = table("the secret of somebody else", "/run/forged/")
    site.broker.client().hset(ROUTES, mapping={"digest": digest, "table": raw})
    wait_until(lambda: "table of routes was refused" in front.log.read_text(), "it is refused")
    site.workers()
    assert not in_lane(site, "/run/forged/")
    assert in_lane(site, within=60)
    assert site.runs("forged") == []
    assert front.log.read_text().count("table of routes was refused") == 1


def test_the_table_of_another_release(site):
    """A path that is of the lane there only: not run, and its client is told so."""
    front = site.front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    pause(site)
    assert in_lane(site, within=60)
    broker = Broker(BrokerAddress(site.broker.url_of("worker")), "queueproxy", 60)
    other = WorkerRegistration(broker, {"host": "elsewhere", "pid": 1}, ())
    other.join()
    other.publish(*table(SECRET_KEY, "/run/old/", LOGIN), anew=True)
    answer = wait_until(lambda: told(site), f"the front goes by it: {front.log}")
    other.leave()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "destination_unavailable" in answer.headers["proxy-status"]
    assert "Nothing was executed" in answer.text
    assert site.runs("old") == []
    assert site.status()["dead_letters"] == 0
    assert in_lane(site, within=60)


def told(site: Site) -> httpx.Response | None:
    """The answer; None while the request waits."""
    try:
        return httpx.post(f"{site.url}/run/old/", timeout=3)
    except httpx.ReadTimeout:
        return None


def test_a_hold_closes_the_lane_too(site, tmp_path):
    site.front()
    site.workers()
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    go_on = tmp_path / "go-on"
    command = f"until [ -e {go_on} ]; do sleep 0.05; done"
    holding = site.manage("queueproxy", "hold", "--", "sh", "-c", command)
    wait_until(lambda: "ops" in site.status()["paused"], "the hold")
    waiting = site.in_background("GET", LOGIN)
    wait_until(lambda: site.queue("ops")["depth"] == 1, "it waits in the lane")
    assert site.get("/-/status").status_code == 200
    go_on.touch()
    assert holding.wait(60) == 0
    assert waiting.result().status_code == 200


def test_whoever_asks_for_the_login_again_and_again_leaves_the_other_threads(site, tmp_path):
    site.front()
    site.workers("--threads", "3")
    wait_until(lambda: goes_in_lane(site, LOGIN), "the front knows the lane")
    gate = tmp_path / "gate"
    waits = {"headers": {"X-Until": str(gate)}}
    crowd = [site.in_background("GET", LOGIN, **waits) for _ in range(12)]

    def lane() -> tuple[int, int]:
        queue = site.queue("ops")
        return queue["in_flight"], queue["depth"]

    wait_until(lambda: lane() == (1, 11), "the others wait behind the first")
    for number in range(20):
        assert site.get(f"/run/honest{number}/").status_code == 200
        assert lane() == (1, 11)
    gate.touch()
    assert [one.result().status_code for one in crowd] == [200] * 12
