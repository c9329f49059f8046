"""Looking at a running system: status, live and once, and the metrics."""

import json
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time

import httpx
import pytest

from queueproxy.broker.observe.histogram import bucket_of

from ..integration.test_metrics_docs import expressions
from ..kit.broker_server import WANTED
from ..kit.missing import Missing
from ..kit.ports import free_port
from ..kit.terminal import CTRL_C, Terminal
from ..kit.waiting import wait_until

WATCH = [sys.executable, "-m", "django", "queueproxy", "status", "--watch"]
OTHER_SCREEN, FIRST_SCREEN, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


@pytest.fixture(scope="module")
def server():
    return "uvicorn"


class Screen(Terminal):
    """A terminal on which something draws pictures."""

    def shows(self, *texts: str) -> None:
        """Wait until the last picture has them all; it may have arrived in part."""

        def all_there() -> bool:
            picture = self.last_picture()
            return all(text in picture for text in texts)

        try:
            wait_until(all_there)
        except AssertionError:
            pytest.fail(f"{texts} not in {self.last_picture()!r}")

    def last_picture(self) -> str:
        """What was drawn since the last return to the top, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.written.rpartition("\x1b[H")[2])


@pytest.fixture
def terminal(site):
    terminals = []

    def start(command: list[str]) -> Screen:
        terminals.append(Screen(command, {**site.environ, "TERM": "xterm-256color"}))
        return terminals[-1]

    yield start
    for one in terminals:
        one.close()


def test_watch_follows_what_happens(site, terminal, queueproxy):
    """Also while workers, fronts and at last the broker itself come and go."""
    watch = terminal(WATCH)
    watch.shows("No front: nobody accepts requests.")
    assert OTHER_SCREEN in watch.written
    site.front()
    watch.shows("No workers: requests wait until one starts.")
    clients = [site.in_background("GET", f"/read-slowly/n{n}/") for n in range(2)]
    watch.shows("1 front · 0 workers · 2 held")
    site.workers("--threads", "2")
    watch.shows("GET /read-slowly/n1/")
    assert len(watch.last_picture().split("\r\n")) <= 24
    for n in range(2):
        site.ledger.with_name(f"n{n}").touch()
    assert [client.result().status_code for client in clients] == [200, 200]
    queueproxy(site, "pause", "low", "--reason", "a try")
    watch.shows("a try")
    site.broker.kill()
    watch.shows("The broker can't be reached for ", "queue")  # and what was seen last
    site.broker.start()
    watch.shows(WANTED)
    watch.type(CTRL_C)
    assert watch.process.wait(60) == 0
    assert "Traceback" not in watch.written
    wait_until(lambda: FIRST_SCREEN in watch.written and CURSOR in watch.written)
    assert watch.written.rindex(FIRST_SCREEN) > watch.written.rindex(OTHER_SCREEN)


def test_watch_leaves_the_terminal_as_it_was_when_told_to_end(site, terminal):
    watch = terminal(WATCH)
    watch.shows("No front")
    watch.process.terminate()
    assert watch.process.wait(60) == 0
    wait_until(lambda: FIRST_SCREEN in watch.written and CURSOR in watch.written)


def test_q_ends_watch_and_other_keys_do_not(terminal):
    watch = terminal(WATCH)
    watch.shows("q ends this")
    settings = termios.tcgetattr(watch._fd)
    watch.type(b"x")
    watch.shows("No front")
    assert watch.process.poll() is None
    watch.type(b"q")
    assert watch.process.wait(60) == 0
    wait_until(lambda: FIRST_SCREEN in watch.written and CURSOR in watch.written)
    assert "x" not in watch.last_picture().splitlines()[-1], "keys are not shown"
    after = termios.tcgetattr(watch._fd)
    assert after[3] & termios.ECHO
    assert not settings[3] & termios.ECHO


def test_watch_without_colours(site, terminal):
    site.environ["NO_COLOR"] = "1"
    watch = terminal(WATCH)
    watch.shows("No front: nobody accepts requests.")
    watch.type(b"q")
    assert watch.process.wait(60) == 0
    colours = re.findall(r"\x1b\[[\d;]*(?<![\d])(?:3|4|9|10)[0-7][\d;]*m", watch.written)
    assert colours == []


@pytest.mark.parametrize("words", [("status",), ("doctor",)])
def test_once_without_colours(site, terminal, words):
    command = [*WATCH[:-2], *words]
    coloured = terminal(command)
    coloured.process.wait(60)
    wait_until(lambda: "\x1b[" in coloured.written, lambda: coloured.written)
    site.environ["NO_COLOR"] = "1"
    plain = terminal(command)
    plain.process.wait(60)
    wait_until(lambda: "\n" in plain.written)
    assert "\x1b[" not in plain.written
    site.broker.client().acl_log_reset()  # the doctor asks what it may, and goes by the answer


def test_watch_into_a_file_is_plain(site):
    process = subprocess.Popen(
        WATCH, env=site.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    seen = []
    while sum("ops" in line for line in seen) < 2:  # twice the whole
        assert select.select([process.stdout], [], [], 60)[0]
        seen.append(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in "".join(seen) + out


def test_watch_ends_when_nobody_reads(site):
    reading = subprocess.run(
        f"{' '.join(WATCH)} | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env=site.environ,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert reading.stderr == ""
    assert reading.stdout.splitlines()[-1] == "0"


def test_status_once(site, queueproxy):
    """Without workers, fronts or a database (the probe site's is nowhere)."""
    done = queueproxy(site, "status")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[1:3] == [
        "No front: nobody accepts requests.",
        "No workers: requests wait until one starts.",
    ]
    site.front()
    wait_until(lambda: site.status()["fronts"], "it is on the list")
    site.workers("--name", "left", "--threads", "2")
    done = queueproxy(site, "status")
    assert done.returncode == 0
    assert re.search(r"^left +idle +0$", done.stdout, re.MULTILINE)
    told = json.loads(queueproxy(site, "status", "--json").stdout)
    parts = {"broker", "paused", "queues", "groups", "fronts", "workers", "dead_letters"}
    parts |= {"releases", "boot_failures", "scaling"}
    assert set(told) == parts
    assert told["workers"][0]["threads"] == 2
    assert {
        *("name", "depth", "in_flight", "oldest_wait_seconds", "enqueued_total"),
        *("completed_total", "arrival_rate", "completion_rate", "wait_p50_seconds"),
        *("wait_p95_seconds", "wait_p99_seconds", "paused"),
    } <= set(told["queues"][0])


def test_percentiles_of_views_with_known_times(serving):
    """Within one bucket of what the views slept; in a queue that no other test uses."""
    times = [0.02] * 24 + [0.15] * 12 + [0.7] * 4  # p50 0.02, p95 and p99 0.7
    with httpx.Client(base_url=serving.url, timeout=60) as client:
        threads = [
            threading.Thread(target=client.get, args=(f"/high/run/k{n}/?seconds={seconds}",))
            for n, seconds in enumerate(times)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wait_until(lambda: serving.queue("high")["completed_total"] == len(times), "all counted")
    queue = serving.queue("high")
    for name, slept in (("p50", 0.02), ("p95", 0.7), ("p99", 0.7)):
        told = queue[f"run_{name}_seconds"]
        assert 0 <= bucket_of(told) - bucket_of(slept) <= 1, (name, told)


def test_front_and_command_tell_the_same_metrics(serving, queueproxy):
    for n in range(3):
        assert serving.get(f"/run/m{n}/").status_code == 200
    wait_until(lambda: serving.queue()["completed_total"] == 3, "all counted")
    wait_until(lambda: not any(front["held"] for front in serving.status()["fronts"]), "and told")
    told = serving.get("/-/metrics")
    assert told.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert told.text == queueproxy(serving, "metrics").stdout
    assert 'queueproxy_request_duration_seconds_count{queue="default"} 3\n' in told.text


@pytest.fixture
def prometheus(site, tmp_path):
    """A real Prometheus that scrapes the site's front each second; the address of its API."""
    program = shutil.which("prometheus")
    if program is None:
        raise Missing("prometheus")
    config = tmp_path / "prometheus.yml"
    job = {
        "job_name": "queueproxy",
        "metrics_path": "/-/metrics",
        "static_configs": [{"targets": [f"127.0.0.1:{site.port}"]}],
    }
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={address}",
        ],
        stdout=(tmp_path / "prometheus.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    yield f"http://{address}/api/v1/query"
    process.terminate()
    process.wait(60)


def test_the_grafana_dashboard_has_data_in_every_panel(site, prometheus, queueproxy):
    """Asked as Grafana asks, for a site where everything happens: each query gives a number."""
    site.front()
    site.workers()
    stop = threading.Event()

    def use_the_site() -> None:
        while not stop.is_set():
            site.get("/run/p/")
            site.get("/limited/p/?seconds=1.5")  # long enough to be seen while it runs
            site.get("/bad/p/")  # no valid answer: a failure
            time.sleep(0.05)

    user = threading.Thread(target=use_the_site)
    user.start()
    try:
        queueproxy(site, "pause", "low", "--timeout", "60")
        for expression in expressions():
            wait_until(lambda e=expression: answer_of(prometheus, e), expression, timeout=60)
    finally:
        stop.set()
        user.join()


def answer_of(prometheus: str, expression: str) -> list:
    """The values Prometheus has for a query, those that are numbers."""
    try:
        told = httpx.get(prometheus, params={"query": expression}).json()
    except httpx.TransportError:
        return []  # still starting
    assert told["status"] == "success", told
    return [one for one in told["data"]["result"] if one["value"][1] != "NaN"]
