"""Migrations not applied yet: they show, and a worker can wait for them (the example project)."""

import os

import pytest

from queueproxy.broker.roster import WAITING
from queueproxy.keys import Keys

from ...brokers import Office, eventually
from ...waiting import wait_until
from .crew import Crew, client_of, ended, kill, told

LEASE = 1.5  # seconds


@pytest.fixture
def crew(tmp_path, broker):
    """Workers of the example project on an empty SQLite database."""
    crew = Crew(tmp_path, broker, "tests.integration.test_worker.example_settings", LEASE=LEASE)
    crew.environ |= {"QUEUEPROXY_VAR": str(tmp_path / "var"), "DEBUG": "0", "ALLOWED_HOSTS": "*"}
    crew.environ.pop("DATABASE_URL", None)
    yield crew
    crew.stop()


@pytest.fixture
async def client(broker):
    """Asks them."""
    office = Office(broker.url, namespace="queueproxy", lease=60.0)
    yield await client_of(office)
    await office.close()


def worker_of(crew) -> dict:
    """As status shows the only one."""
    (worker,) = crew.workers_shown()
    return worker


def migrate(crew) -> None:
    done = crew.run("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


def waits(crew) -> bool:
    """Whether the only worker says that it waits."""
    return bool(crew.pids()) and worker_of(crew)["state"] == WAITING


async def test_it_claims_nothing_until_they_are_applied(crew, client):
    supervisor = crew.start("--require-migrations")
    wait_until(lambda: waits(crew) and worker_of(crew).get("pending_migrations", 0) > 10)
    id = await client.ask("/")
    lapses = expiry(crew, client)
    await eventually(lambda: expiry(crew, client) > lapses + LEASE * 1000, "heartbeats")
    assert waits(crew)
    assert crew.queue()["depth"] == 1
    metrics = crew.run("queueproxy", "metrics").stdout
    assert f'queueproxy_workers{{state="{WAITING}"}} 1' in metrics
    migrate(crew)
    assert await client.status(id) == 200  # the list of things, from the database
    wait_until(lambda: worker_of(crew)["state"] == "idle")
    assert worker_of(crew)["pending_migrations"] == 0
    assert told(supervisor, "Migrations not applied")  # a line for each number seen


def expiry(crew, client) -> float:
    """When the only worker's lease ends, in ms."""
    ((_, lapses),) = client.office.client.zrange(Keys("queueproxy").workers, 0, -1, withscores=True)
    return lapses


def test_it_ends_at_once_while_it_waits(crew):
    supervisor = crew.start("--require-migrations", "--graceful-timeout", "60")
    wait_until(lambda: waits(crew))
    supervisor.terminate()
    assert ended(supervisor, 10) == 0
    assert not crew.pids()


async def test_without_the_option_it_serves_and_says_so(crew, client):
    crew.start()
    wait_until(lambda: worker_of(crew).get("pending_migrations"))
    assert await client.status(await client.ask("/static/things/site.css", "HEAD")) == 200
    assert worker_of(crew)["state"] == "idle"
    assert f"{worker_of(crew)['pending_migrations']} migrations not applied" in (
        crew.run("queueproxy", "status").stdout
    )


def test_none_pending(crew):
    migrate(crew)
    crew.start("--require-migrations")
    wait_until(lambda: worker_of(crew).get("pending_migrations") == 0)
    assert worker_of(crew)["state"] == "idle"


async def test_a_database_that_is_away_counts_as_pending(crew, client):
    crew.environ["DATABASE_URL"] = "sqlite:////dev/null/nowhere"
    supervisor = crew.start("--require-migrations")
    wait_until(lambda: waits(crew) and "pending_migrations" in worker_of(crew))
    assert worker_of(crew)["pending_migrations"] is None
    await client.ask("/things/")
    lapses = expiry(crew, client)
    await eventually(lambda: expiry(crew, client) > lapses + LEASE * 1000, "heartbeats")
    assert crew.queue()["depth"] == 1
    assert len(told(supervisor, "Whether migrations are applied is not known")) == 1


def test_a_replacement_that_waits_does_not_replace(crew, tmp_path):
    """Fresh code with a migration more: the old code serves on until it is applied."""
    migrate(crew)
    supervisor = crew.start("--require-migrations")
    wait_until(lambda: worker_of(crew).get("pending_migrations") == 0)
    (old,) = crew.pids()
    undone = crew.run("migrate", "--verbosity", "0", "sessions", "zero")
    assert undone.returncode == 0, undone.stderr
    os.kill(supervisor.pid, 1)
    wait_until(lambda: told(supervisor, "Migrations not applied: 1."))
    wait_until(lambda: {w["state"] for w in crew.workers_shown()} == {"idle", WAITING})
    assert old in crew.pids()
    migrate(crew)
    wait_until(lambda: len(crew.pids()) == 1 and old not in crew.pids())
    assert worker_of(crew)["state"] == "idle"


def test_a_worker_that_waits_may_die_too(crew):
    supervisor = crew.start("--require-migrations")
    (victim,) = crew.pids()
    kill(victim)
    wait_until(lambda: crew.pids() not in ([], [victim]))
    crew.serve(supervisor, 1)
    assert len(told(supervisor, "was killed by signal 9")) == 1
