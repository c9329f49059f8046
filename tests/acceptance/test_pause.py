"""Pause and resume as an operator gives them: on the command line, with real processes."""

import json
from collections.abc import Iterator

import pytest

from queueproxy.broker.observe.find import RequestFinder

from ..kit.broker_server import BrokerServer
from ..kit.links import QUEUES, link_to
from ..kit.waiting import wait_until
from .site import Site

NOWHERE = "unix:///nonexistent/broker"


@pytest.fixture(scope="module")
def server():
    return "uvicorn"


@pytest.fixture(scope="module")
def standing_site(make_shared_site) -> Site:
    """A front, and a worker with four threads."""
    site = make_shared_site()
    site.front()
    site.workers("--threads", "4")
    return site


@pytest.fixture
def serving(serving) -> Iterator[Site]:
    """That site, shared with other tests; the paces of queues, too, are ended."""
    yield serving
    wait_until(lambda: not any(pauses(serving.broker).values()), "no pause and no pace")


def pauses(broker: BrokerServer) -> dict:
    """What the broker keeps of pauses and paces."""
    client = broker.client()
    state = client.hgetall("{queueproxy}:state")
    kept = {k: v for k, v in state.items() if k.startswith(("paused:", "pace:", "next:"))}
    return {"state": kept, "pauses": client.hgetall("{queueproxy}:pauses")}


def end_view(site, nonce: str) -> None:
    """Let the view that reads slowly go on."""
    site.ledger.with_name(nonce).touch()


def held(site, number: int) -> bool:
    return sum(front["held"] for front in site.status()["fronts"]) == number


def test_a_pause_outlives_workers_and_fronts(site, queueproxy):
    front, workers = site.front(), site.workers()
    done = queueproxy(site, "pause", "default", "--timeout", "120", "--reason", "new disk")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Paused default for at most 120 s.")
    for process in (front, workers):
        process.terminate()
        process.wait(60)
    site.front()
    site.workers()
    client = site.in_background("GET", "/run/a/")
    wait_until(lambda: site.queue()["depth"] == 1, "the one that waits")
    other = site.in_background("GET", "/high/run/b/")
    assert other.result().status_code == 200
    queue = site.queue()
    assert queue["depth"] == 1
    assert queue["paused"]
    assert queue["pause"]["reason"] == "new disk"
    assert "@" in queue["pause"]["by"]
    # By the lease clock, which stands while there is neither front nor worker.
    assert 118 < queue["pause"]["until"] - queue["pause"]["since"] < 180
    shown = queueproxy(site, "status").stdout
    assert "default is paused by" in shown
    assert "new disk" in shown
    assert site.runs("a") == []
    assert queueproxy(site, "resume", "default").stdout == "Resumed default.\n"
    assert client.result().status_code == 200
    assert pauses(site.broker) == {"state": {}, "pauses": {}}


def test_it_ends_by_itself_before_the_oldest_client_leaves(make_site, queueproxy):
    """Who waits is answered, although nobody ever resumes."""
    site = make_site(MAX_HOLD=16, LEASE=3)
    site.front()
    queueproxy(site, "pause", "--timeout", "300")  # until the workers are there
    site.workers()
    clients = [site.in_background("GET", f"/run/c{n}/") for n in range(3)]
    wait_until(lambda: site.queue()["oldest_wait_seconds"] > 4, "clients that wait")
    done = queueproxy(site, "pause")
    seconds = float(done.stdout.split("at most ")[1].split(" s")[0])
    assert 1 <= seconds < 8  # of 16: four and more waited, five kept as a margin
    assert "the pause can only be short" in done.stderr
    assert [client.result().status_code for client in clients] == [200] * 3


def test_a_longer_one_is_warned_of(site, queueproxy):
    done = queueproxy(site, "pause", "--timeout", "90")
    assert done.returncode == 0
    assert "turned away after 60 s of these 90 s (MAX_HOLD is 60 s)" in done.stderr


def test_wait_returns_when_nothing_is_in_flight(serving, queueproxy):
    running = [serving.in_background("GET", f"/read-slowly/w{n}/") for n in range(2)]
    wait_until(lambda: serving.queue()["in_flight"] == 2, "requests in flight")
    pausing = serving.manage("queueproxy", "pause", "--wait")
    pausing.until(lambda: serving.queue()["paused"], "the pause")
    assert pausing.poll() is None
    for n in range(2):
        end_view(serving, f"w{n}")
    assert pausing.wait(60) == 0
    assert "Nothing is in flight." in pausing.told()
    assert serving.queue()["in_flight"] == 0
    later = serving.in_background("GET", "/run/later/")
    wait_until(lambda: serving.queue()["depth"] == 1, "a request that waits")
    assert [client.result().status_code for client in running] == [200, 200]
    assert serving.runs("later") == []
    queueproxy(serving, "resume")
    assert later.result().status_code == 200


def test_wait_gives_up_at_its_timeout(serving, queueproxy):
    running = serving.in_background("GET", "/read-slowly/long/")
    wait_until(lambda: serving.queue()["in_flight"] == 1, "a request in flight")
    done = queueproxy(serving, "pause", "--wait", "--timeout", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] in (
        "Still in flight: 1.",
        "The pause has ended before nothing was in flight.",
    )
    end_view(serving, "long")
    assert running.result().status_code == 200


def test_a_resume_ends_a_waiting_pause(serving, queueproxy):
    """It must neither hang nor say that nothing runs."""
    running = serving.in_background("GET", "/read-slowly/longer/")
    wait_until(lambda: serving.queue()["in_flight"] == 1, "a request in flight")
    pausing = serving.manage("queueproxy", "pause", "--wait", "--timeout", "50")
    named = "Waiting for 1 request in flight: GET /read-slowly/longer/ ("
    wait_until(lambda: named in pausing.log.read_text(), "what it waits for")
    assert queueproxy(serving, "resume").returncode == 0
    assert pausing.wait(60) == 1
    assert "The pause has ended" in pausing.log.read_text()
    assert running.is_alive()
    end_view(serving, "longer")


def claimed(site: Site, id: str) -> float:
    """When a request was claimed, by the broker; its worker tells of it a little later."""
    with link_to(site.broker.url) as link:
        requests = RequestFinder(link, QUEUES)

        def moments() -> list[float]:
            told = [moment for one in requests.find(id) for moment in one.as_json()["moments"]]
            return [moment["at"] for moment in told if moment["what"] == "claimed"]

        (at,) = wait_until(moments, f"{id} claimed")
    return at


def test_resume_at_a_rate(serving, queueproxy):
    """The backlog starts in order and no faster than was said."""
    queueproxy(serving, "pause")
    clients = []
    for number in range(9):
        known = {"X-Request-ID": f"r{number}"}
        clients.append(serving.in_background("GET", f"/run/r{number}/", headers=known))
        wait_until(lambda: serving.queue()["depth"] == len(clients), "the backlog")
    done = queueproxy(serving, "resume", "--rate", "8/s")
    assert done.stdout == "Resumed high, default, low at 8 a second.\n"
    assert [client.result().status_code for client in clients] == [200] * 9
    started = [claimed(serving, f"r{number}") for number in range(9)]
    assert started == sorted(started)
    assert started[-1] - started[0] > 8 / 8 * 0.9


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["pause", "nope"], 2, "No queue 'nope'. Queues: high, default, low."),
        (["resume", "nope"], 2, "No queue 'nope'. Queues: ops, high, default, low."),
        (["pause", "ops"], 2, "No queue 'ops'. Queues: high, default, low."),
        (["resume", "low"], 1, "Not paused: low."),
        (["resume", "low", "--rate", "5/s"], 1, "Not paused: low."),
        (["hold", "--", "no-such-command"], 2, "There is no command 'no-such-command'."),
        (["dead", "show", "1-1"], 2, "No dead letter '1-1'."),
    ],
)
def test_bad_words_change_nothing(site, queueproxy, words, status, said):
    queueproxy(site, "pause", "high", "--timeout", "50")
    before = pauses(site.broker)
    done = queueproxy(site, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.removeprefix("CommandError: ") == f"{said}\n"
    assert pauses(site.broker) == before


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "--timeout", "0"],
        ["pause", "--timeout", "never"],
        ["pause", "--timeout", "1e6"],
        ["resume", "--rate", "0"],
        ["resume", "--rate", "fast"],
        ["hold"],
        ["status", "--json", "--watch"],
        ["dance"],
        [],
    ],
)
def test_bad_options_change_nothing(site, queueproxy, words):
    before = pauses(site.broker)
    done = queueproxy(site, *words)
    assert done.returncode == 2
    assert "error: " in done.stderr.splitlines()[-1]
    assert pauses(site.broker) == before


@pytest.mark.parametrize(
    "words",
    [
        ["pause"],
        ["pause", "--wait"],
        ["resume"],
        ["hold", "--", "touch", "ran"],
        ["status"],
        ["metrics"],
        ["dead", "list"],
        ["dead", "retry", "1-1"],
    ],
)
def test_without_a_broker(site, queueproxy, tmp_path, words):
    words = [str(tmp_path / "ran") if word == "ran" else word for word in words]
    done = queueproxy(site, *words, QUEUEPROXY_BROKER_URL=NOWHERE)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("CommandError: The broker can't be reached: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "ran").exists()


def test_status_json_without_a_broker(site, queueproxy):
    done = queueproxy(site, "status", "--json", QUEUEPROXY_BROKER_URL=NOWHERE)
    assert done.returncode == 2
    assert json.loads(done.stdout)["broker"]["reachable"] is False


def test_wrong_settings_are_one_line(site, queueproxy):
    done = queueproxy(site, "status", PROBE_SETTINGS='{"MAX_HOLDD": 5}')
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "MAX_HOLDD" in done.stderr


def test_resume_where_nothing_is_paused(site, queueproxy):
    done = queueproxy(site, "resume")
    assert (done.returncode, done.stdout) == (0, "Nothing was paused.\n")
