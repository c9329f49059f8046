"""Migrations not applied yet: they show, and a worker can wait for them (the example project)."""

import os

import pytest

from queueproxy.broker.observe.processes import WAITING
from queueproxy.keys import Keys

from ...brokers import eventually
from ...kit.waiting import wait_until
from .. import conftest as integration
from .worker_site import WorkerSite, ended, kill, once_started, told

client = integration.client  # of processes, not of a thread

LEASE = 3.0  # seconds


@pytest.fixture
def workers(tmp_path, broker):
    """Workers of the example project on an empty SQLite database."""
    workers = WorkerSite(
        tmp_path, broker, "tests.integration.test_worker.example_settings", LEASE=LEASE
    )
    workers.environ |= {"QUEUEPROXY_VAR": str(tmp_path / "var"), "DEBUG": "0", "ALLOWED_HOSTS": "*"}
    workers.environ.pop("DATABASE_URL", None)
    yield workers
    workers.stop()


def worker_of(workers) -> dict:
    """As status shows the only one."""
    (worker,) = workers.workers_shown()
    return worker


def state_and_pending(workers) -> tuple[str, int | None]:
    """What it tells with its heartbeats, and of migrations."""
    worker = worker_of(workers)
    return worker["state"], worker.get("pending_migrations")


def migrate(workers) -> None:
    done = workers.run("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


def waits(workers) -> bool:
    """Whether the only worker says that it waits."""
    return bool(workers.pids()) and worker_of(workers)["state"] == WAITING


async def test_it_claims_nothing_until_they_are_applied(workers, client):
    supervisor = workers.start("--require-migrations")
    wait_until(lambda: waits(workers) and worker_of(workers).get("pending_migrations", 0) > 10)
    id = await client.ask("/")
    lapses = expiry(workers, client)
    await eventually(lambda: expiry(workers, client) > lapses + LEASE * 1000, "heartbeats")
    assert waits(workers)
    assert workers.queue()["depth"] == 1
    metrics = workers.run("queueproxy", "metrics").stdout
    assert f'queueproxy_workers{{state="{WAITING}"}} 1' in metrics
    migrate(workers)
    assert await client.status(id) == 200  # the list of things, from the database
    wait_until(lambda: state_and_pending(workers) == ("idle", 0), "it tells so")
    assert told(supervisor, "Migrations not applied")  # a line for each number seen


def expiry(workers, client) -> float:
    """When the only worker's lease ends, in ms."""
    ((_, lapses),) = client.kit.client.zrange(Keys("queueproxy").workers, 0, -1, withscores=True)
    return lapses


def test_it_ends_at_once_while_it_waits(workers):
    supervisor = workers.start("--require-migrations", "--graceful-timeout", "60")
    wait_until(lambda: waits(workers))
    supervisor.terminate()
    assert ended(supervisor, 40) == 0
    assert not workers.pids()


async def test_without_the_option_it_serves_and_says_so(workers, client):
    workers.start()
    wait_until(lambda: worker_of(workers).get("pending_migrations"))
    assert await client.status(await client.ask("/static/things/site.css", "HEAD")) == 200
    wait_until(lambda: worker_of(workers)["state"] == "idle", "its next heartbeat")
    assert f"{worker_of(workers)['pending_migrations']} migrations not applied" in (
        workers.run("queueproxy", "status").stdout
    )


def test_none_pending(workers):
    migrate(workers)
    workers.start("--require-migrations")
    wait_until(lambda: state_and_pending(workers) == ("idle", 0))


async def test_a_database_that_is_away_counts_as_pending(workers, client):
    workers.environ["DATABASE_URL"] = "sqlite:////dev/null/nowhere"
    supervisor = workers.start("--require-migrations")
    wait_until(lambda: waits(workers) and "pending_migrations" in worker_of(workers))
    assert worker_of(workers)["pending_migrations"] is None
    await client.ask("/things/")
    lapses = expiry(workers, client)
    await eventually(lambda: expiry(workers, client) > lapses + LEASE * 1000, "heartbeats")
    assert workers.queue()["depth"] == 1
    assert len(told(supervisor, "Whether migrations are applied is not known")) == 1


def test_a_replacement_that_waits_does_not_replace(workers, tmp_path):
    """Fresh code with a migration more: the old code serves on until it is applied."""
    migrate(workers)
    supervisor = workers.start("--require-migrations")
    wait_until(lambda: worker_of(workers).get("pending_migrations") == 0)
    (old,) = workers.pids()
    undone = workers.run("migrate", "--verbosity", "0", "sessions", "zero")
    assert undone.returncode == 0, undone.stderr
    os.kill(supervisor.pid, 1)
    once_started(lambda: told(supervisor, "Migrations not applied: 1."))
    wait_until(lambda: {w["state"] for w in workers.workers_shown()} == {"idle", WAITING})
    assert old in workers.pids()
    migrate(workers)
    once_started(lambda: len(workers.pids()) == 1 and old not in workers.pids())
    wait_until(lambda: worker_of(workers)["state"] == "idle", "its next heartbeat")


def test_a_worker_that_waits_may_die_too(workers):
    supervisor = workers.start("--require-migrations")
    (victim,) = workers.pids()
    kill(victim)
    once_started(lambda: workers.pids() not in ([], [victim]))
    workers.serve(supervisor, 1)
    assert len(told(supervisor, "was killed by signal 9")) == 1
