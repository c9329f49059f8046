"""A broker whose keys another release has written, with which this one can't work."""

import hashlib

import pytest

from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.exceptions import BrokerUnavailable, SchemaMismatch
from queueproxy.records import DIGEST, SCHEMA, lua_source
from queueproxy.worker.process_words import CANNOT_START

from ..acceptance.site import Site
from ..brokers import eventually
from ..kit.broker_server import BrokerServer
from ..kit.waiting import wait_until
from .test_worker.harness import WorkerInThread
from .test_worker.worker_site import PROBE, WorkerSite, ended, told

# The state of a release before the field, and of one to come.
OTHERS = [({"run": "of a server"}, "1"), ({"run": "of a server", "schema": "77"}, "77")]


def test_other_records_are_another_schema():
    """Whoever changes a record raises SCHEMA, and writes its digest below that."""
    assert hashlib.sha256(lua_source().encode()).hexdigest()[:16] == DIGEST


@pytest.fixture(params=OTHERS, ids=["before", "later"])
def other(request, kit):
    """The schema that is found."""
    state, schema = request.param
    kit.client.hset(kit.keys.state, mapping=state)
    return schema


@pytest.fixture
def site(tmp_path, broker):
    """Commands of a site whose namespace holds another release's state."""
    site = Site(tmp_path, broker, "uvicorn")
    broker.client().hset("{queueproxy}:state", "run", "of a server")
    yield site
    site.stop()


async def test_the_first_who_comes_writes_it(kit):
    await kit.front_broker()
    assert kit.client.hget(kit.keys.state, "schema") == str(SCHEMA).encode()


async def test_each_call_is_refused_and_does_nothing(kit, other):
    link = kit.link()
    for script, *args in (
        ("worker_join", "w", 1000, "{}"),
        ("settle_and_claim", "w", "w/0", 0, 1, "1", *[""] * 8, "default"),
        ("pause", 1000, "{}", "default"),
        ("adopt", 1000),
    ):
        with pytest.raises(SchemaMismatch, match=f"schema {other}, this release needs {SCHEMA}"):
            link.script(script, *args)
    assert kit.client.keys("*") == [kit.keys.state.encode()]
    assert kit.client.hget(kit.keys.state, "run") == b"of a server"


async def test_also_where_the_server_is_the_same(kit):
    """The keys were exchanged under a running process, by a restore of a backup perhaps."""
    front = await kit.front_broker()
    kit.client.hset(kit.keys.state, "schema", "77")
    with pytest.raises(SchemaMismatch):
        await front.beat()
    assert not issubclass(SchemaMismatch, BrokerUnavailable)


async def test_a_front_that_runs_goes_on_trying(kit, front):
    """Its clients get 503 meanwhile: it is not reachable."""
    kit.client.hset(kit.keys.state, "schema", "77")
    front.hold(kit.encoded_request(front.id, "a"))
    await eventually(lambda: not front.sender.reachable)
    kit.client.hset(kit.keys.state, "schema", SCHEMA)
    await eventually(lambda: front.sender.reachable)


async def test_a_worker_does_not_wait_for_another_release(kit, other):
    worker = WorkerInThread(kit)
    with pytest.raises(SchemaMismatch):
        worker.worker.run()


@pytest.mark.parametrize(
    "words",
    [
        ("runqueueproxy", "127.0.0.1:0"),
        ("runqueueworker",),
        ("queueproxy", "status"),
        ("queueproxy", "pause"),
        ("queueproxy", "hold", "--", "true"),
    ],
    ids=" ".join,
)
def test_commands_refuse_in_one_line(site, words):
    ended = site.run(*words)
    assert ended.returncode != 0
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert f"schema 1, this release needs {SCHEMA}" in line


def test_a_worker_process_ends_in_one_line(tmp_path):
    """Where the broker was away when its supervisor looked."""
    server = BrokerServer(appendonly="yes", appendfsync="always").start()
    server.client().hset("{queueproxy}:state", "run", "of a server")
    server.kill()
    site = WorkerSite(tmp_path, server, PROBE)
    try:
        supervisor = site.manage("runqueueworker")
        wait_until(lambda: told(supervisor, "The broker is away"), "a process waits for it", 60)
        server.start()
        assert ended(supervisor) == CANNOT_START
        assert len(told(supervisor, "this release needs")) == 1
        assert not told(supervisor, "Traceback")
    finally:
        site.stop()
        server.stop()


def test_a_supervisor_tries_again_ever_later(tmp_path, broker):
    """Fresh code may be of the right release; until it is, there is no storm."""
    site = WorkerSite(tmp_path, broker, PROBE, LEASE=1)
    client = broker.client()
    try:
        supervisor = site.start("--threads", "2")
        client.hset("{queueproxy}:state", "schema", "77")
        wait_until(lambda: len(told(supervisor, "ended with status 4")) == 3, timeout=120)
        deaths = told(supervisor, "ended with status 4")
        pauses = [int(line.split()[-2]) for line in deaths if "Starting again in" in line]
        assert pauses[:2] == [1, 2]
        assert len(told(supervisor, "schema 77")) == 3  # a line of each process
        assert not told(supervisor, "Traceback")
        assert not told(supervisor, "What worker")
        client.hset("{queueproxy}:state", "schema", SCHEMA)
        site.serve(supervisor, 1)
    finally:
        site.stop()


async def test_a_snapshot_is_refused(kit, other):
    with pytest.raises(SchemaMismatch):
        SnapshotReader(kit.link(), ("default",)).snapshot()
