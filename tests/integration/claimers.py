"""Claimers by the process: ``python -m tests.integration.claimers URL LEDGER WORKERS [RELEASE]``.

Each worker is a registration of its own with four threads; each thread claims, writes a line in the
ledger, takes a moment, settles with the next claim. Half of the idle threads block on the bells as
workers do; the others ask again and again, so that somebody tries all the time while a pause lasts.

A line of the ledger: when the claim's own lease says it was made (ms), and what Redis TIME was when
its execution began (us), asked by the thread on a connection that queueproxy knows nothing of; the
request's id, and the release where there is one.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.own_release import OwnRelease
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.keys import Keys
from queueproxy.records import Lease, parse

from ..brokers import QUEUES, SECRETS, answer
from ..kit.processes import Process, end

THREADS = 4
LEASE = 60.0  # seconds: longer than anything here may stall
EXECUTION = 0.03  # seconds
KEEN = 0.01  # seconds between two tries of a thread that does not block


class Claimer(threading.Thread):
    """One executor thread."""

    def __init__(self, url: str, registration: WorkerRegistration, number: int, ledger: int, over):
        super().__init__(daemon=True)
        broker = broker_at(url)
        self._broker = WorkerBroker(
            broker,
            broker.codec(SECRETS),
            registration.worker,
            number,
            QUEUES,
            release=registration.release,
        )
        self._release = registration.release.name
        self._redis = redis.Redis.from_url(url, protocol=2)
        self._keen = number % 2 == 0
        self._ledger = ledger
        self._over = over

    def run(self) -> None:
        claim = None
        while not self._over.is_set():
            if claim is not None:
                self._execute(claim)
                claim = self._broker.settle_and_claim(answer(claim))
            elif self._keen:
                self._over.wait(KEEN)
                claim = self._broker.settle_and_claim(None)
            else:
                claim = self._broker.wait()
        if claim is not None:
            self._broker.settle_and_claim(answer(claim), claim=False)

    def _execute(self, claim) -> None:
        seconds, micros = self._redis.time()
        lease = self._redis.hget(Keys("kit").leases, self._broker.slot)
        claimed = parse(Lease, lease).claimed_ms
        line = f"{claimed} {seconds * 1_000_000 + micros} {claim.id} {self._release}\n"
        os.write(self._ledger, line.encode())
        time.sleep(EXECUTION)


def broker_at(url: str) -> Broker:
    """A link of its own."""
    return Broker(BrokerAddress(url), "kit", LEASE)


@contextmanager
def claiming(directory: Path, url: str, *each: tuple[str, ...]) -> Iterator[Path]:
    """Run processes of claimers; their ledger.

    Args:
        each: of a process: how many workers it has, and their release, if any.
    """
    path = directory / "ledger"
    path.touch()
    command = [sys.executable, "-m", "tests.integration.claimers", url, str(path)]
    log = directory / "claimers"
    processes = [Process([*command, *words], log, append=True) for words in each]
    try:
        yield path
        for process in processes:
            process.terminate()
        for process in processes:
            assert process.wait(60) == 0, process.last_words()
    finally:
        end(processes)


def main(url: str, path: str, workers: str, release: str = "") -> None:
    """Claim until SIGTERM."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    own = OwnRelease(release, int(bool(release)))
    about = {"host": "claimers", "pid": os.getpid(), "threads": THREADS}
    about |= {"release": own.name, "standby": bool(own.standby)}
    registrations = [
        WorkerRegistration(broker_at(url), about, QUEUES, release=own) for _ in range(int(workers))
    ]
    threads = []
    for registration in registrations:
        registration.join()
        threads += [Claimer(url, registration, number, ledger, over) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    while not over.wait(LEASE / 6):
        for registration in registrations:
            registration.beat("busy")
    for registration in registrations:
        registration.call_to_stop(THREADS)
    for thread in threads:
        thread.join(20)
    for registration in registrations:
        registration.leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
