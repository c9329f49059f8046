"""Exactly once, from client to database: real processes that die wherever they may."""

import os
import signal
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from ..kit.postgres import PostgresServer
from ..kit.proc import children
from ..kit.waiting import wait_until
from .site import Site

LEASE = 1.0  # seconds
PROCESSES = 2
# The commit of an effect whose nonce says so takes a while, less than CLIENT_CHECK of sessions.py.
TABLES = """
CREATE TABLE effects (nonce text);
CREATE FUNCTION dawdle() RETURNS trigger AS $$
BEGIN
    IF NEW.nonce = 'slow' THEN PERFORM pg_sleep(1); END IF;
    RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON effects
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle();
"""


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer().start()
    yield server
    server.stop()


class OnceSite(Site):
    """A front, two worker processes, and a database."""

    def __init__(self, postgres: PostgresServer, directory: Path, broker, server: str):
        super().__init__(directory, broker, server, LEASE=LEASE)
        self.environ["DJANGO_SETTINGS_MODULE"] = "tests.acceptance.probe.once_settings"
        self.environ["PROBE_POSTGRES"] = str(postgres.directory)
        self.database = psycopg.connect(postgres.url, autocommit=True)

    def begin(self) -> None:
        """Migrate, where nobody has, and serve; return once the front knows what the views say."""
        if not self._has_tables():
            self.database.execute(TABLES)
            done = self.run("migrate")
            assert done.returncode == 0, done.stderr
        self.front()
        self.workers("--processes", str(PROCESSES))
        wait_until(lambda: self.post("warm").status_code == 200, "the front knows the routes")

    def _has_tables(self) -> bool:
        return self.database.execute("SELECT to_regclass('effects')").fetchone()[0] is not None

    def forget(self) -> None:
        """Empty the ledger, and the tables of what was run."""
        self.ledger.write_text("")
        self.database.execute("TRUNCATE effects, queueproxy_execution")

    def is_whole(self) -> bool:
        """Whether all its workers are there, and nothing waits or runs."""
        status = self.status()
        idle = not any(queue["depth"] or queue["in_flight"] for queue in status["queues"])
        _, supervisor = self.processes
        workers = sorted(worker["pid"] for worker in status["workers"])
        return idle and len(workers) == PROCESSES and workers == children(supervisor.pid)

    def stop(self) -> None:
        super().stop()
        self.database.close()

    def post(self, nonce: str, body: bytes = b"a", headers=(), **query) -> httpx.Response:
        return httpx.post(
            f"{self.url}/effect/{nonce}/",
            params=query,
            content=body,
            headers=dict(headers),
            timeout=60,
        )

    def count(self, nonce: str) -> int:
        """How often an effect was committed."""
        query = "SELECT count(*) FROM effects WHERE nonce = %s"
        return self.database.execute(query, [nonce]).fetchone()[0]

    def commits(self) -> bool:
        """Whether a slow effect is being committed."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return self.database.execute(query).fetchone()[0] > 0

    def sessions(self) -> int:
        """How many sessions of users were saved."""
        return self.database.execute("SELECT count(*) FROM django_session").fetchone()[0]


@pytest.fixture(scope="module")
def server():
    return "uvicorn"


@pytest.fixture(scope="module")
def standing_site(make_shared_site, postgres):
    """With a broker of its own."""
    site = make_shared_site(partial(OnceSite, postgres))
    site.begin()
    return site


@pytest.fixture
def site(standing_site):
    """Shared by tests who kill no more than workers, which the supervisor starts again."""
    standing_site.forget()
    yield standing_site
    wait_until(standing_site.is_whole, "all are back, and nothing runs")
    assert all(process.poll() is None for process in standing_site.processes)


@pytest.fixture
def own_site(tmp_path, broker, server, postgres):
    """For a test that does worse."""
    site = OnceSite(postgres, tmp_path, broker, server)
    try:
        site.begin()
        site.forget()
        yield site
    finally:
        site.stop()


def is_its_own(response: httpx.Response, nonce: str, size: int = 1) -> bool:
    return response.status_code == 200 and response.text.startswith(f"{nonce} {size} ")


@pytest.mark.parametrize(("where", "runs"), [("in the view", 2), ("after commit", 1)])
@pytest.mark.parametrize("size", [1, 2_000_000])
def test_a_worker_is_killed(site, where, runs, size):
    sessions, queue = site.sessions(), site.queue()
    response = site.post("a", b"x" * size, die=where)
    assert is_its_own(response, "a", size), response.text
    assert len(site.runs("a")) == runs
    assert site.runs("a")[-1].split()[-1] in response.text  # the answer of the run that counts
    assert site.count("a") == 1
    assert site.sessions() == sessions + 1
    assert "sessionid=" in response.headers["set-cookie"]
    more = {"retried_total": runs - 1, "replayed_total": 2 - runs}
    counted = {name: queue[name] + more[name] for name in more}
    wait_until(lambda: {name: site.queue()[name] for name in counted} == counted)


def test_a_worker_is_killed_while_it_commits(site):
    pending = site.in_background("POST", "/effect/slow/", content=b"a")
    wait_until(site.commits, "it commits")
    os.kill(int(site.runs("slow")[0].split()[2]), signal.SIGKILL)
    assert is_its_own(pending.result(), "slow")
    assert len(site.runs("slow")) == 1
    assert site.count("slow") == 1


def test_a_worker_is_frozen_and_wakes_again(own_site):
    site = own_site
    response = site.post("a", die="frozen")
    assert is_its_own(response, "a")
    assert site.runs("a")[-1].split()[-1] in response.text
    frozen = int(site.runs("a")[0].split()[2])
    os.kill(frozen, signal.SIGCONT)
    assert is_its_own(site.post("b"), "b")
    wait_until(lambda: site.queue()["in_flight"] == 0)
    assert (len(site.runs("a")), site.count("a")) == (2, 1)


def test_the_broker_loses_everything(own_site):
    site = own_site
    pending = site.in_background("POST", "/effect/a/?seconds=1", content=b"a")
    wait_until(lambda: site.runs("a"))
    site.broker.client().flushall()
    pending.join(60)
    assert is_its_own(pending.response, "a"), pending.response.text
    assert (len(site.runs("a")), site.count("a")) == (1, 1)


def test_a_client_that_sends_it_again(site):
    key = {"Idempotency-Key": '"k"'}
    first, second = site.post("a", headers=key), site.post("a", headers=key)
    assert first.text == second.text
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert site.post("b", headers=key).status_code == 422
    assert site.count("a") == 1


def test_what_fails_is_the_clients_to_know(site):
    assert site.post("a", status=500).status_code == 500
    assert (len(site.runs("a")), site.count("a")) == (1, 0)


def test_an_event_loop_is_refused(site):
    done = site.run("runqueueworker", "--async", "2")
    assert done.returncode == 2
    assert "says exactly_once" in done.stderr


def test_purge(site):
    kept = "SELECT count(*) FROM queueproxy_execution"
    site.post("a")
    site.database.execute(
        "UPDATE queueproxy_execution SET created = now() - interval '25 hours' "
        "WHERE body <> '' AND position('a 1 '::bytea in body) = 1"
    )
    before = site.database.execute(kept).fetchone()[0]
    done = site.run("queueproxy", "purge")
    assert (done.returncode, done.stdout) == (0, "default: 1 execution deleted.\n")
    assert site.database.execute(kept).fetchone()[0] == before - 1
    assert site.run("queueproxy", "purge").stdout == "default: 0 executions deleted.\n"
