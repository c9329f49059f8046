"""The broker answers with errors for a while: nobody ends by it, all say it once and go on."""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from queueproxy.keys import Keys

from ..kit.broker_server import BrokerServer
from ..kit.proc import cpu_seconds, is_alive
from ..kit.waiting import wait_until
from ..recount import differences
from .fault_site import FaultSite, Sent, wait_out

LASTS = 3.0  # seconds
HEALS_WITHIN = 8.0  # seconds from the end of the fault to the first page
HEARTBEATS = 16.0  # seconds: three of a worker's, with a lease of 15
USER = "site"
PASSWORD = "the-password-of-the-site"
numbers = itertools.count()


class LockedServer(BrokerServer):
    """A server whose site has a user of its own; the tests keep the default one."""

    def url_of(self, role: str) -> str:
        return f"unix://{USER}:{PASSWORD}@{self.socket}"

    def start(self) -> "LockedServer":
        super().start()
        self.add_user(USER, PASSWORD)
        return self

    @property
    def dump(self) -> Path:
        return Path(self._directory) / "dump.rdb"

    def load_slowly(self) -> None:
        """Take three seconds for the next start, LOADING meanwhile."""
        client = self.client()
        for number in range(300):
            client.set(f"filler:{number}", "x" * 2000)
        client.save()
        self._options |= {
            "key-load-delay": "10000",
            "loading-process-events-interval-bytes": "1024",
        }


def _broken_saves(server: LockedServer, client: redis.Redis) -> None:
    server.dump.unlink(missing_ok=True)
    server.dump.mkdir()
    _save(client, "err")


def _working_saves(server: LockedServer, client: redis.Redis) -> None:
    server.dump.rmdir()
    _save(client, "ok")


def _save(client: redis.Redis, status: str) -> None:
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == status, status)


def _acl(*rules: str) -> Callable:
    return lambda server, client: client.execute_command("ACL", "SETUSER", USER, *rules)


def _config(name: str, value: int) -> Callable:
    return lambda server, client: client.config_set(name, value)


def _kicked_out(change: Callable) -> Callable:
    def act(server: LockedServer, client: redis.Redis) -> None:
        change(server, client)
        client.execute_command("CLIENT", "KILL", "USER", USER)

    return act


# How it begins and ends, and what the workers' logs must say.
FAULTS = {
    "MISCONF": (_broken_saves, _working_saves, r"refuses FCALL \w+: MISCONF "),
    "NOREPLICAS": (
        _config("min-replicas-to-write", 1),
        _config("min-replicas-to-write", 0),
        r"refuses FCALL \w+: NOREPLICAS ",
    ),
    "NOPERM": (_acl("-fcall"), _acl("+fcall"), r"refuses FCALL \w+: NOPERM "),
    "WRONGPASS": (
        _kicked_out(_acl("resetpass", ">another")),
        _acl("resetpass", f">{PASSWORD}"),
        "refuses AUTH: WRONGPASS ",
    ),
    "max number of clients": (
        _kicked_out(_config("maxclients", 1)),
        _config("maxclients", 10000),
        # The server says why and closes: whether that is read is a race with what is written.
        "refuses the connection: ERR max number of clients|Broken pipe|reset|closed",
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[FaultSite]:
    server = LockedServer(save="3600 1000000").start()
    site = FaultSite(tmp_path_factory.mktemp("site"), server, MAX_HOLD=60)
    site.front_process = site.front()
    site.supervisor = site.workers("--processes", "2")
    site.wait_for_workers(2)
    yield site
    site.stop()
    server.stop()


class Load(threading.Thread):
    """Ten requests a second, every second one a POST."""

    def __init__(self, site: FaultSite, name: str):
        super().__init__(daemon=True)
        self.sent: list[Sent] = []
        self._site = site
        self._name = name
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            kind = ("GET", "POST")[len(self.sent) % 2]
            nonce = f"{self._name}{len(self.sent)}"
            self.sent.append(self._site.send(nonce, kind, "seconds=0.02"))

    def end(self) -> list[Sent]:
        self._over.set()
        self.join()
        return self.sent


@contextmanager
def load(site: FaultSite) -> Iterator[Load]:
    running = Load(site, f"load{next(numbers)}-")
    running.start()
    try:
        wait_until(lambda: len(running.sent) > 5, "some load")
        yield running
    finally:
        running.end()


def served_within(site: FaultSite) -> float:
    """Seconds until a page comes."""
    began = time.monotonic()
    assert site.send(f"after{next(numbers)}", "GET").outcome().status == 200
    return time.monotonic() - began


def pids(site: FaultSite) -> set[int]:
    return {worker["pid"] for worker in site.status()["workers"]}


class Log:
    """What a process and its children have logged since."""

    def __init__(self, process):
        self._path = process.log
        self._from = len(process.log.read_text())

    def lines(self, word: str) -> list[str]:
        return [line for line in self._path.read_text()[self._from :].splitlines() if word in line]


def check_executions(site: FaultSite, sent: list[Sent], allowed: set[int]) -> None:
    for request in sent:
        outcome = request.outcome()
        assert outcome.status in allowed, outcome
        if outcome.kind == "POST":
            assert site.times(request.nonce) <= 1, request.nonce
        if outcome.status == 200:
            assert site.times(request.nonce) >= 1, request.nonce


@pytest.mark.parametrize("fault", FAULTS)
def test_it_heals(site, fault):
    begin, end, words = FAULTS[fault]
    workers, front_log, worker_log = pids(site), Log(site.front_process), Log(site.supervisor)
    client = redis.Redis(unix_socket_path=site.broker.socket, protocol=2, decode_responses=True)
    with client.client() as admin, load(site) as traffic:  # one connection: others may be refused
        begin(site.broker, admin)
        try:
            wait_out(LASTS)
        finally:
            end(site.broker, admin)
        assert served_within(site) < HEALS_WITHIN
        check_executions(site, traffic.end(), {200})
    assert pids(site) == workers
    assert all(map(is_alive, workers))
    assert site.front_process.poll() is None
    wait_until(lambda: len(worker_log.lines("The broker is back")) == 2, "both say that it is")
    told = worker_log.lines("Trying again.")
    assert len(told) == 2, told
    assert all(re.search(words, line) for line in told), told
    # A front may say it of each kind of thing it does.
    told = front_log.lines("trying again.")
    assert told
    assert len({_without_time(line) for line in told}) == len(told)
    assert worker_log.lines("Traceback") == front_log.lines("Traceback") == []


def test_a_script_that_breaks_off_loses_no_answer(site):
    """It was refused a command in the middle: what it had done by then stays done."""
    workers, worker_log, client = pids(site), Log(site.supervisor), site.broker.client()
    with load(site) as traffic:
        under_way = [
            site.send(f"broken{next(numbers)}", kind, "seconds=1") for kind in ("GET", "POST")
        ]
        for request in under_way:
            site.run_of(request.nonce)
        _acl("-xadd")(site.broker, client)
        wait_out(LASTS)
        _acl("+xadd")(site.broker, client)
        assert served_within(site) < HEALS_WITHIN
        check_executions(site, traffic.end() + under_way, {200})
    assert pids(site) == workers
    told = worker_log.lines("Trying again.")
    assert len(told) == 2, told  # each held one
    # Whoever comes after the first that broke off is refused before anything is done.
    assert all(re.search("(broke off|refuses) FCALL settle_and_claim: ", line) for line in told)
    wait_until(lambda: len(worker_log.lines("The broker is back")) == 2, "both say that it is")


def _without_time(line: str) -> str:
    return line.partition("] ")[2].partition("(")[0]


@pytest.mark.parametrize("command", ["hincrby", "hset", "xdel"])
def test_what_is_counted_is_right_again_after_a_refusal_in_the_middle(site, command):
    client = site.broker.client()
    with load(site) as traffic:
        _acl(f"-{command}")(site.broker, client)
        wait_out(LASTS)
        _acl(f"+{command}")(site.broker, client)
        assert served_within(site) < HEALS_WITHIN
        check_executions(site, traffic.end(), {200})
    keys = Keys("queueproxy")
    wait_until(lambda: not differences(client, keys), "all is counted", HEARTBEATS)


def test_a_front_says_once_what_is_refused(site):
    log, client = Log(site.front_process), site.broker.client()
    with load(site) as traffic:
        _acl("-fcall")(site.broker, client)
        wait_until(lambda: log.lines("trying again."), "it says so")
        wait_out(LASTS)
        _acl("+fcall")(site.broker, client)
        assert served_within(site) < HEALS_WITHIN
        check_executions(site, traffic.end(), {200})
    (told,) = log.lines("trying again.")
    assert re.search(r"refuses FCALL \w+: NOPERM ", told)


def test_workers_that_may_not_block_look_now_and_then(site):
    workers, worker_log = pids(site), Log(site.supervisor)
    client = site.broker.client()
    _acl("-blpop")(site.broker, client)
    busy = cpu_seconds(*workers)
    began = time.monotonic()
    with load(site) as traffic:
        wait_until(lambda: len(worker_log.lines("refuses BLPOP: NOPERM")) == 2, "both say it")
        wait_out(LASTS)
        _acl("+blpop")(site.broker, client)
        check_executions(site, traffic.end(), {200})
    wait_until(lambda: len(worker_log.lines("takes BLPOP again")) == 2, "both say it is over")
    assert len(worker_log.lines("refuses BLPOP")) == 2
    assert cpu_seconds(*workers) - busy < (time.monotonic() - began) / 2
    assert pids(site) == workers


def test_it_heals_from_loading(site):
    workers, worker_log = pids(site), Log(site.supervisor)
    site.broker.load_slowly()
    with load(site) as traffic:
        site.broker.kill()
        site.broker.start()
        assert served_within(site) < HEALS_WITHIN
        # What stood in the queue of a server that was lost and must not be repeated is not run.
        check_executions(site, traffic.end(), {200, 502})
    assert pids(site) == workers
    assert len(worker_log.lines("Trying again.")) == 2
    assert worker_log.lines("Traceback") == []
