"""The command line: what it takes, and what it says of what it does not take."""

import json

import pytest

from ...brokers import BrokerKit
from ...kit.waiting import wait_until
from .worker_site import client_of, ended, told


def test_what_status_shows_of_it(workers):
    workers.start(
        "--processes", "2", "--threads", "3", "--name", "blue", "--queues", "low,high", number=2
    )
    for worker in workers.workers_shown():
        assert (worker["threads"], worker["name"]) == (3, "blue")
        assert worker["queues"] == ["ops", "high", "low"]  # in the order of QUEUES


async def test_queues_it_was_not_told_of_are_left(workers, kit):
    client = await client_of(kit)
    await client.ask("/run/other/")
    await client.kit.send(client.front_broker, client.kit.encoded_request("front-1", "x", "high"))
    supervisor = workers.start("--queues", "high", number=1)
    wait_until(lambda: workers.queue("high")["completed_total"] == 1)
    assert workers.queue("default")["depth"] == 1
    supervisor.terminate()
    assert ended(supervisor) == 0


async def test_burst(workers, kit):
    client = await client_of(kit)
    for number in range(6):
        await client.ask(f"/run/{number}/")
    supervisor = workers.manage("runqueueworker", "--burst", "--processes", "2")
    assert ended(supervisor) == 0
    assert len(workers.runs()) == 6
    assert not workers.pids()


async def test_a_burst_in_which_a_process_dies(workers, kit):
    client = await client_of(kit)
    await client.ask("/die/x/", "POST")
    supervisor = workers.manage("runqueueworker", "--burst")
    assert ended(supervisor) == 1
    assert len(told(supervisor, "was killed by signal 9")) == 1


async def test_after_so_many_requests_a_process_is_replaced(workers, kit):
    client = await client_of(kit)
    supervisor = workers.start("--max-requests", "2")
    for number in range(6):
        await client.ask(f"/run/{number}/")
    wait_until(lambda: len(workers.runs()) == 6)
    used = [line.split()[2] for line in workers.runs()]
    assert used[0] == used[1] != used[2] == used[3] != used[4] == used[5]
    assert not told(supervisor, "ended with")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--processes", "0"], "'0' is not a whole number of at least 1"),
        (["--threads", "many"], "'many' is not a whole number"),
        (["--max-requests", "-1"], "'-1' is not a whole number"),
        (["--graceful-timeout", "-1"], "'-1' is not a length of time"),
        (["--graceful-timeout", "nan"], "'nan' is not a length of time"),
        (["--queues", "nope"], "No queue 'nope'. Queues: high, default, low."),
        (["--queues", ","], "names of queues"),
        (["--no-such"], "unrecognized arguments: --no-such"),
    ],
)
def test_bad_words(workers, words, said):
    done = workers.run("runqueueworker", *words)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_migrations_can_not_be_required_of_no_database(workers):
    done = workers.run("runqueueworker", "--require-migrations", NO_DATABASE="1")
    assert done.returncode == 2
    assert "DATABASES names no default database" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["--queues", "high"]])
def test_wrong_settings(workers, words):
    done = workers.run("runqueueworker", *words, PROBE_SETTINGS=json.dumps({"MAX_HOLDD": 3}))
    assert done.returncode != 0
    assert "'MAX_HOLDD'" in done.stderr
    assert "MAX_HOLD" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PROBE_URLCONF": "tests.acceptance.probe.broken"}, "the front must not import"),
        ({"PROBE_URLCONF": "no.such.module"}, "No module named 'no'"),
        ({"BRITTLE": "/"}, "broken on purpose"),  # middleware: only a worker itself loads it
    ],
)
def test_code_that_can_not_be_loaded(workers, environ, words):
    supervisor = workers.manage("runqueueworker", **environ)
    assert ended(supervisor) == 4
    (line,) = told(supervisor, "can't start")
    assert words in line
    assert ", line " in line  # where
    assert not told(supervisor, "Traceback")
    assert not workers.pids()


def test_an_unfit_server(workers, broker):
    broker.client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        supervisor = workers.manage("runqueueworker")
        assert ended(supervisor) == 2
        assert told(supervisor, "maxmemory-policy")
    finally:
        broker.client().config_set("maxmemory-policy", "noeviction")


@pytest.fixture
async def kit(broker):
    """In the workers's namespace."""
    kit = BrokerKit(broker.url, namespace="queueproxy")
    yield kit
    await kit.close()
