"""The whole system under the users that ``queueproxy acl`` prints, on Valkey and on Redis.

All of test_site.py, test_pause.py, test_hold.py and test_operations.py runs under them too where
QUEUEPROXY_TEST_ACL is set, on the server that QUEUEPROXY_TEST_SERVER names.
"""

import json
import os
import signal

import httpx
import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from queueproxy.broker.operate.acl import ROLES
from queueproxy.broker.scripts import library

from ..kit.broker_server import GuardedServer
from ..kit.processes import STARTS_WITHIN
from ..kit.waiting import wait_until
from .site import Site

# Of each kind one that an intruder would like; all in the words of the server's command list.
FORBIDDEN = [
    *(["FLUSHDB"], ["FLUSHALL"], ["KEYS", "*"], ["SCAN", "0"], ["DEBUG", "SLEEP", "0"]),
    *(["CONFIG", "GET", "*"], ["CONFIG", "SET", "save", ""], ["SAVE"], ["SHUTDOWN", "NOSAVE"]),
    *(["ACL", "LIST"], ["ACL", "SETUSER", "me", "on"], ["ACL", "WHOAMI"], ["MONITOR"]),
    *(["SCRIPT", "FLUSH"], ["EVAL", "return 1", "0"], ["MODULE", "LIST"], ["REPLICAOF", "a", "1"]),
    *(["FUNCTION", "FLUSH"], ["FUNCTION", "DELETE", library().name], ["FUNCTION", "LIST"]),
    *(["CLIENT", "LIST"], ["CLIENT", "KILL", "TYPE", "normal"], ["CLIENT", "PAUSE", "1"]),
    *(["PUBLISH", "a", "b"], ["SUBSCRIBE", "a"], ["GET", "session"]),
    *(["INCR", "{queueproxy}:state"], ["GETDEL", "{queueproxy}:state"]),
    *(["HGETALL", "{other}:state"], ["DEL", "session"], ["XADD", "mail", "*", "a", "b"]),
    *(["TYPE", "queueproxy:state"], ["HSET", "{queueproxy}", "a", "b"]),
    ["FCALL", f"{library().name}_resume", "1", "{other}:state", "", "0"],
]


@pytest.fixture(scope="module", params=["valkey", "redis"])
def guarded(request):
    server = GuardedServer(request.param).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(guarded, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), guarded, "uvicorn")
    site.front()
    site.workers("--processes", "2")
    yield site
    site.stop()


@pytest.fixture(autouse=True)
def _nothing_was_refused(request, guarded):
    """The server's own log of what it refused, which no outcome of a test would show."""
    guarded.client().acl_log_reset()
    yield
    if "forbidden" not in request.node.name:
        assert guarded.client().acl_log() == []


def test_pages_uploads_and_streams(site):
    assert site.get("/run/a/").text == "a 0 1"
    assert httpx.post(f"{site.url}/run/b/", content=b"x" * 1000, timeout=60).text == "b 1000 1"
    size = 1_000_003
    assert httpx.post(f"{site.url}/run/c/", content=b"x" * size, timeout=60).text == f"c {size} 1"
    assert site.get("/stream/d/?size=100000&count=40").content == b"x" * 4_000_000
    waiting = [site.in_background("GET", f"/run/e{n}/?seconds=0.05") for n in range(20)]
    assert [one.result().status_code for one in waiting] == [200] * 20


def test_a_client_leaves(site):
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{site.url}/run/left/?seconds=3", timeout=0.5)
    wait_until(lambda: site.queue()["in_flight"] == 0, "over")
    assert site.get("/run/after-left/").status_code == 200


def test_pause_resume_and_hold(site):
    assert site.run("queueproxy", "pause", "--timeout", "60", "--wait").returncode == 0
    waiting = site.in_background("GET", "/run/paused/")
    wait_until(lambda: site.queue()["depth"] == 1, "it waits")
    assert site.run("queueproxy", "resume", "--rate", "50/s").returncode == 0
    assert waiting.result().status_code == 200
    held = site.run("queueproxy", "hold", "--", "true")
    assert held.returncode == 0, held.stderr


def test_status_and_metrics(site):
    status = site.run("queueproxy", "status", "--json")
    assert status.returncode == 0, status.stderr
    assert len(json.loads(status.stdout)["workers"]) == 2
    assert site.run("queueproxy", "status").returncode == 0
    assert "queueproxy_request_duration_seconds" in site.run("queueproxy", "metrics").stdout
    assert site.get("/-/metrics").status_code == 200
    assert site.get("/-/readyz").status_code == 200


def test_a_supervisor_that_follows_the_load(site):
    supervisor = site.workers("--processes", "1..2")
    wait_until(lambda: site.status()["scaling"]["supervisors"], "it tells", STARTS_WITHIN)
    supervisor.terminate()
    assert supervisor.wait(STARTS_WITHIN) == 0
    assert site.status()["scaling"]["supervisors"] == []


def test_dead_letters(site):
    letters = [_kill_one(site, nonce) for nonce in ("again", "dropped")]
    replayed = site.run("queueproxy", "dead", "replay", letters[0])
    assert replayed.stdout == "Answered 200.\n", replayed.stderr
    assert site.run("queueproxy", "dead", "show", letters[1]).returncode == 0
    assert site.run("queueproxy", "dead", "discard", letters[1]).returncode == 0
    assert json.loads(site.run("queueproxy", "dead", "list", "--json").stdout) == []


def test_the_functions_are_loaded_again(site, guarded):
    guarded.client().function_flush()
    assert site.get("/run/flushed/").status_code == 200


def test_the_data_is_lost(site, guarded):
    """Adopting an empty server, registering again, reconciling."""
    guarded.client().flushall()
    wait_until(lambda: len(site.status()["workers"]) == 2, "they are back", STARTS_WITHIN)
    assert site.get("/run/emptied/").status_code == 200


def test_the_admin_page(site, guarded, db, monkeypatch):
    monkeypatch.setenv("QUEUEPROXY_BROKER_URL", guarded.url_of("dashboard"))
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))
    page = reverse("admin:queueproxy_queue_changelist")
    assert b"default" in client.get(page).content
    letter = _kill_one(site, "page")
    urls = {name: reverse(f"admin:queueproxy_queue_{name}") for name in ("pause", "resume")}
    client.post(urls["pause"], {"queue": "low", "seconds": "60"})
    wait_until(lambda: site.queue("low")["paused"], "paused")
    client.post(urls["resume"], {"queue": "low"})
    wait_until(lambda: not site.queue("low")["paused"], "resumed")
    assert letter.encode() in client.get(page).content
    client.post(reverse("admin:queueproxy_queue_discard", args=[letter]))
    assert site.status()["dead_letters"] == 0


def test_workers_that_serve_the_admin_page(site):
    """They have the dashboard's user: it has what a worker needs, to its last command."""
    site.worker_role = "dashboard"
    workers = site.workers("--name", "dashboard")
    assert site.get("/run/with-dashboard/").status_code == 200
    workers.send_signal(signal.SIGTERM)
    assert workers.wait(60) == 0
    wait_until(lambda: len(site.status()["workers"]) == 2, "off the list")


@pytest.mark.parametrize("role", ROLES)
def test_forbidden(guarded, role):
    client = guarded.client(role)
    for words in FORBIDDEN:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*words)


def test_forbidden_without_a_user(guarded):
    client = redis.Redis(unix_socket_path=guarded.socket)
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_forbidden_to_front_and_operator_is_to_block_for_work(guarded):
    for role in ("front", "operator"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            guarded.client(role).blpop(["{queueproxy}:bell:default"], timeout=1)


def _kill_one(site, nonce: str) -> str:
    """A POST whose worker is killed under it; the id of its dead letter."""
    pending = site.in_background("POST", f"/read-slowly/{nonce}/", content=b"body")
    pid = int(wait_until(lambda: site.runs(nonce), "it runs")[-1].split()[2])
    os.kill(pid, signal.SIGKILL)
    site.ledger.with_name(nonce).touch()  # where it is run again, it does not wait
    assert pending.result().status_code == 502
    wait_until(lambda: len(_alive(site)) == 2, "another worker", STARTS_WITHIN)
    return json.loads(site.run("queueproxy", "dead", "list", "--json").stdout)[0]["id"]


def _alive(site) -> list[int]:
    return [worker["pid"] for worker in site.status()["workers"]]
