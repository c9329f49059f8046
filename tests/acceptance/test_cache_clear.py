"""cache.clear() in a view deletes nothing of the queue's, in both recommended set-ups."""

import os
import signal
import threading

import httpx

from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.waiting import wait_until

SETTINGS = "tests.acceptance.probe.settings"


def ledger_lines(path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()]


def test_embedded_serves_caches_of_their_own(tmp_path):
    ledger = tmp_path / "ledger"
    ledger.touch()
    environ = {name: value for name, value in os.environ.items() if name != "QUEUEPROXY_BROKER_URL"}
    probe = {"DJANGO_SETTINGS_MODULE": SETTINGS, "PROBE_LEDGER": str(ledger)}
    commands = Commands(tmp_path, environ | probe)
    port = free_port()
    words = ("--embedded", "--workers", "2", "--server", "uvicorn")
    front = commands.manage("runqueueproxy", f"127.0.0.1:{port}", *words)
    try:
        wait_until(
            lambda: _status(f"http://127.0.0.1:{port}/run/first/") == 200, str(front.log), 40
        )
        assert clear_under_load(port) == [200] * 20
    finally:
        front.send_signal(signal.SIGTERM)
        front.wait(60)
    assert sorted(ledger_lines(ledger)) == sorted(["first", *expected()])


def test_an_alias_of_its_own_on_one_server(broker, site):
    site.environ["PROBE_CACHE_URL"] = f"{broker.url}?db=5"
    site.front()
    site.workers("--processes", "2")
    assert clear_under_load(site.port) == [200] * 20
    assert sorted(ledger_lines(site.ledger)) == expected()


def clear_under_load(port: int) -> list[int]:
    """Slow requests wait and run while others empty every cache; all statuses."""
    statuses: list[int] = []

    def ask(path: str) -> None:
        statuses.append(_status(f"http://127.0.0.1:{port}{path}"))

    paths = [f"/run/r{n}/?seconds=0.1" for n in range(10)] + [f"/clear/c{n}/" for n in range(10)]
    threads = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def expected() -> list[str]:
    return sorted([f"r{n}" for n in range(10)] + [f"c{n}" for n in range(10)])


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=60).status_code
    except httpx.ConnectError:
        return 0
