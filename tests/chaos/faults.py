"""What goes wrong, at random. Each fault is a function of the site and a source of chance."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from ..waiting import wait_until
from .site import ROOT, SETTINGS, Site
from .users import ask


def kill_worker(site: Site, chance: random.Random) -> None:
    """SIGKILL to one worker process."""
    _signal(site.random_worker(chance), signal.SIGKILL)


def freeze_worker(site: Site, chance: random.Random) -> None:
    """SIGSTOP for up to three leases, then SIGCONT: a zombie."""
    pid = site.random_worker(chance)
    _signal(pid, signal.SIGSTOP)
    time.sleep(SETTINGS["LEASE"] * chance.choice((1.3, 1.6, 2, 3)))
    _signal(pid, signal.SIGCONT)


def wake_zombie(site: Site, chance: random.Random) -> None:
    """A worker faints in a slow view and wakes up while another runs the same request."""
    nonce = f"zombie{chance.getrandbits(40):x}"
    port = chance.choice(site.ports)

    def send() -> None:
        site.outcomes.append(ask(port, nonce, "GET", query=f"seconds={SETTINGS['LEASE'] * 2}"))

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        first = _nth_run(site, nonce, 1).pid
        _signal(first, signal.SIGSTOP)
        try:
            _nth_run(site, nonce, 2)
        finally:
            _signal(first, signal.SIGCONT)
    except AssertionError:
        pass  # the front was not there, or the worker died before it fainted
    sender.join(SETTINGS["MAX_HOLD"] + 10)


def _nth_run(site: Site, nonce: str, number: int):
    return wait_until(lambda: site.ledger.of(nonce)[number - 1 :], timeout=SETTINGS["MAX_HOLD"])[0]


def drain_workers(site: Site, chance: random.Random) -> None:
    """SIGTERM to a supervisor, another in its place."""
    site.replace_supervisor(chance.randrange(2))


def reload_workers(site: Site, chance: random.Random) -> None:
    """SIGHUP: processes replaced one by one."""
    site.supervisors[chance.randrange(2)].send_signal(signal.SIGHUP)


def kill_supervisor(site: Site, chance: random.Random) -> None:
    """SIGKILL to a supervisor: its workers drain by themselves, another starts."""
    which = chance.randrange(2)
    site.supervisors[which].kill()
    site.supervisors[which].wait()
    site.supervisors[which] = site._supervisor()


def kill_front(site: Site, chance: random.Random) -> None:
    """SIGKILL to a front; its clients are cut."""
    site.replace_front(chance.randrange(2), signal.SIGKILL)


def replace_front(site: Site, chance: random.Random) -> None:
    """SIGTERM to a front: it finishes what it holds."""
    site.replace_front(chance.randrange(2), signal.SIGTERM)


def freeze_front(site: Site, chance: random.Random) -> None:
    """SIGSTOP for longer than a front's lease."""
    front = site.fronts[chance.randrange(2)]
    front.send_signal(signal.SIGSTOP)
    time.sleep(SETTINGS["LEASE"] * 2.5)
    front.send_signal(signal.SIGCONT)


def crash_broker(site: Site, chance: random.Random) -> None:
    """SIGKILL to the broker; it comes back with its append-only file."""
    site.broker.kill()
    time.sleep(chance.random() * 2)
    site.broker.start()


def flush_broker(site: Site, chance: random.Random) -> None:
    """FLUSHALL: every key gone."""
    site.broker.client().flushall()


def flush_functions(site: Site, chance: random.Random) -> None:
    """FUNCTION FLUSH: every script gone."""
    site.broker.client().function_flush()


def pause_clients(site: Site, chance: random.Random) -> None:
    """CLIENT PAUSE: the broker answers nobody for a while."""
    site.broker.client().client_pause(int(chance.random() * 2000))


def kill_connections(site: Site, chance: random.Random) -> None:
    """Every connection to the broker broken at once."""
    site.broker.client().client_kill_filter(_type="normal", skipme=True)


def leave_while_paused(site: Site, chance: random.Random) -> None:
    """Clients that leave while everything is paused: none of their requests may ever run."""
    nonces = [f"gone{chance.getrandbits(40):x}" for _ in range(10)]
    _manage(site, "pause", "--timeout", "8")
    connections = []
    for nonce in nonces:
        try:
            connection = socket.create_connection(("127.0.0.1", chance.choice(site.ports)), 5)
        except OSError:
            continue
        head = f"GET /run/{nonce}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(head.encode())
        connections.append(connection)
    time.sleep(0.5)  # they wait
    for connection in connections:
        connection.close()
    time.sleep(1.5)  # they are withdrawn
    _manage(site, "resume")
    site.must_not_run += nonces


def hold_briefly(site: Site, chance: random.Random) -> None:
    """A pause and a resume."""
    _manage(site, "hold", "--timeout", "3", "--", "true")


def _manage(site: Site, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", "queueproxy", *words],
        env=site.environ,
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


# How often each is drawn.
FAULTS = {
    kill_worker: 20,
    freeze_worker: 2,
    wake_zombie: 2,
    drain_workers: 1,
    reload_workers: 1,
    kill_supervisor: 1,
    kill_front: 1,
    replace_front: 1,
    freeze_front: 1,
    crash_broker: 1,
    flush_broker: 1,
    flush_functions: 1,
    pause_clients: 1,
    kill_connections: 2,
    hold_briefly: 1,
    leave_while_paused: 1,
}
