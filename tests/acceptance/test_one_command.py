"""The whole system by one command, however management commands are called."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..kit.asking import HOST, Answer, get
from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.proc import children, command_line, descendants, is_alive
from ..kit.terminal import CTRL_C, Terminal
from ..kit.waiting import wait_until
from .site import SETTINGS, Pending

GRACEFUL = 5  # seconds


class OneCommand:
    """runqueueproxy with all there is, on a free port.

    Args:
        directory: for the ledger and the logs.
        workers: how many; each costs a second of processor time to start.
        environ: beside the probe site's.
    """

    def __init__(self, directory: Path, workers: int = 1, **environ: str):
        self.directory = directory
        self._wanted = workers
        self.ledger = directory / "ledger"
        self.ledger.touch()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        own = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
        site = {"DJANGO_SETTINGS_MODULE": SETTINGS, "PROBE_LEDGER": str(self.ledger)}
        self.commands = Commands(directory, own | site | {"TMPDIR": str(directory)} | environ)
        self.everybody: set[int] = set()

    def words(self, *options: str) -> tuple[str, ...]:
        whole = ("--embedded", "--workers", str(self._wanted))
        return ("runqueueproxy", f"{HOST}:{self.port}", *whole, *options)

    def start(self, *options: str) -> subprocess.Popen:
        """Start it and wait until it serves."""
        process = self.commands.manage(*self.words(*options))
        self.serve(process)
        return process

    def serve(self, process: subprocess.Popen) -> None:
        """Wait until a request is answered by a worker."""
        wait_until(lambda: self.get("/run/first/").status, "it serves", 60)
        wait_until(lambda: len(self.workers(process)) == self._wanted, "all workers", 60)
        self.everybody |= {process.pid, *descendants(process.pid)}

    def get(self, path: str) -> Answer:
        return get(self.port, path, 60)

    def gated(self) -> Pending:
        """A request that is running when this returns, until `open_gate`."""
        pending = Pending("GET", f"{self.url}/read-slowly/gated/", {})
        wait_until(lambda: "gated" in self.ledger.read_text(), "it runs")
        return pending

    def open_gate(self) -> None:
        """Let the view go on."""
        self.ledger.with_name("gated").touch()

    def slow(self, seconds: float) -> Pending:
        """A request that takes so long; it is running when this returns."""
        pending = Pending("GET", f"{self.url}/run/slow/?seconds={seconds}", {})
        wait_until(lambda: "slow" in self.ledger.read_text(), "it runs")
        return pending

    def of(self, process: subprocess.Popen, words: str) -> list[int]:
        """Its children whose command line has the words."""
        return [pid for pid in children(process.pid) if words in command_line(pid)]

    def supervisor(self, process: subprocess.Popen) -> int:
        (pid,) = wait_until(lambda: self.of(process, "runqueueworker"), "a supervisor")
        return pid

    def workers(self, process: subprocess.Popen) -> list[int]:
        found = self.of(process, "runqueueworker")
        return children(found[0]) if found else []

    def nothing_left(self) -> bool:
        """Whether all processes there were have ended, and their files with them."""
        return not any(is_alive(pid) for pid in self.everybody) and not list(
            self.directory.glob("queueproxy-*")
        )

    def stop(self) -> None:
        self.commands.stop(40)
        for pid in self.everybody:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def make(tmp_path):
    """Makes them, and ends them."""
    made = []

    def make(workers: int = 1, **environ: str) -> OneCommand:
        made.append(OneCommand(tmp_path, workers, **environ))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def one(make):
    return make()


@pytest.mark.parametrize("program", [("manage.py",), ("-m", "django")], ids=" ".join)
def test_front_workers_and_broker(tmp_path, program):
    environ = {name: value for name, value in os.environ.items() if name != "QUEUEPROXY_BROKER_URL"}
    site = {"DJANGO_SETTINGS_MODULE": "project.settings", "QUEUEPROXY_VAR": str(tmp_path)}
    commands = Commands(tmp_path, environ | site, program)
    port = free_port()
    front = commands.manage("runqueueproxy", f"{HOST}:{port}", "--embedded", "--workers", "1")
    try:
        answered = wait_until(lambda: get(port, "/request/", 40).status, str(front.log), 40)
    finally:
        front.send_signal(signal.SIGTERM)
        ended = front.wait(60)
    assert (answered, ended) == (200, 0), front.log.read_text()


# Somebody or something ends.


def test_a_supervisor_that_dies_is_replaced(make):
    one = make(workers=2)
    process = one.start()
    supervisor = one.supervisor(process)
    pending = one.slow(1)
    os.kill(supervisor, signal.SIGKILL)
    assert pending.result().status_code == 200, "its worker finishes what it runs"
    wait_until(lambda: one.of(process, "runqueueworker") not in ([], [supervisor]))
    one.serve(process)
    assert "The workers' supervisor was killed by signal 9" in process.log.read_text()


def test_an_embedded_broker_that_dies_is_replaced(one):
    process = one.start()
    (broker,) = one.of(process, "valkey-server")
    os.kill(broker, signal.SIGKILL)
    wait_until(lambda: one.of(process, "valkey-server") not in ([], [broker]))
    assert one.get("/run/after/").status == 200
    one.everybody |= set(descendants(process.pid))
    process.terminate()
    assert process.wait(60) == 0
    wait_until(one.nothing_left)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_nothing_outlives_a_front_that_is_killed(make, is_frozen):
    one = make(workers=2)
    process = one.start()
    assert len(one.everybody) == 6, "front, supervisor, two workers, Valkey and its watcher"
    if is_frozen:
        (broker,) = one.of(process, "valkey-server")
        os.kill(broker, signal.SIGSTOP)
    process.kill()
    process.wait()
    wait_until(one.nothing_left, "all has ended")


def test_code_that_can_not_be_loaded(make):
    one = make(PROBE_URLCONF="no.such.module")
    process = one.commands.manage(*one.words())
    assert process.wait(60) == 4
    log = process.log.read_text()
    assert "No module named 'no'" in log
    assert "The workers can't start, so the front ends too." in log
    assert "Traceback" not in log
    wait_until(one.nothing_left)


def test_policies_that_are_wrong(make):
    wrong = {"POLICIES": {"no.such.view": {"queue": "low"}}}
    one = make(PROBE_SETTINGS=json.dumps(wrong))
    process = one.commands.manage(*one.words())
    assert process.wait(60) == 2
    log = process.log.read_text()
    assert "names 'no.such.view', which is no view of the URLconf" in log
    assert "The workers can't start, so the front ends too." in log
    assert "Starting it again" not in log
    wait_until(one.nothing_left)


def test_sighup_replaces_the_workers_and_drops_no_client(make):
    one = make(workers=2)
    process = one.start()
    before = one.workers(process)
    pending = one.slow(2)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(one.workers(process)), "all are new", 60)
    assert pending.result().status_code == 200
    assert process.poll() is None
    one.serve(process)
    wait_until(lambda: "Reload: done" in process.log.read_text(), "it is told")


# A person's terminal.


@pytest.fixture
def terminal(one):
    """Starts it in a terminal."""

    def start(*options: str) -> Terminal:
        words = [sys.executable, "-m", "django", *one.words(*options)]
        terminal = Terminal(words, one.commands.environ)
        one.commands.processes.append(terminal.process)
        one.serve(terminal.process)
        return terminal

    return start


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_ctrl_c_lets_the_last_request_end(one, terminal, server):
    at = terminal("--server", server)
    pending = one.gated()
    at.type(CTRL_C)
    wait_until(
        lambda: "Stopping: 1 request still running (GET /read-slowly/gated/ " in at.written,
        at.written,
    )
    wait_until(lambda: "s); Ctrl-C again to stop at once." in at.written, at.written)
    began = time.monotonic()
    one.open_gate()
    assert pending.result().status_code == 200
    assert at.process.wait(60) == 0
    assert time.monotonic() - began < 20
    wait_until(one.nothing_left)
    assert "Traceback" not in at.written
    assert "Starting it again" not in at.written, "none of those beside it had the signal"


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_ctrl_c_again_stops_at_once(one, terminal, server):
    at = terminal("--server", server)
    pending = one.slow(60)
    at.type(CTRL_C)
    wait_until(lambda: "Ctrl-C again" in at.written)
    began = time.monotonic()
    at.type(CTRL_C)
    assert at.process.wait(60) == 1
    assert time.monotonic() - began < 30  # the request runs for a minute
    assert pending.result().status_code == 502
    wait_until(one.nothing_left)
    assert "Traceback" not in at.written


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
@pytest.mark.parametrize("held", [0, 1])
def test_ctrl_c_while_the_broker_is_frozen(one, terminal, server, held):
    at = terminal("--server", server, "--graceful-timeout", str(GRACEFUL))
    (broker,) = one.of(at.process, "valkey-server")
    pending = [one.slow(60) for _ in range(held)]
    os.kill(broker, signal.SIGSTOP)
    began = time.monotonic()
    at.type(CTRL_C)
    assert at.process.wait(90) == 0
    assert time.monotonic() - began < GRACEFUL + 30  # 10 where nothing else runs
    assert [each.result().status_code for each in pending] == [502] * held
    wait_until(one.nothing_left)
    assert "Traceback" not in at.written


def test_a_terminal_that_goes_takes_the_front_along(one, terminal):
    at = terminal()
    at.hang_up()
    assert at.process.wait(60) in (0, 1)
    wait_until(one.nothing_left)
