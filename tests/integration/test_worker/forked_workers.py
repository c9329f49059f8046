"""Workers forked from one process that has loaded the site, so that to kill many is cheap:
``python -m tests.integration.test_worker.forked_workers URL PROCESSES THREADS``.

Each is a whole `Worker`. When one dies, its parent does what a supervisor does: it deals at once
with what that held, and starts another. SIGTERM ends all.
"""

import os
import signal
import sys

import django
from django.urls import get_resolver

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.worker.options import WorkerOptions
from queueproxy.worker.process_words import GOODBYE, SERVING

from ...brokers import QUEUES

django.setup()  # before what imports models

from queueproxy.worker.process import Worker  # noqa: E402

LEASE = 60.0  # seconds: longer than anything here may stall


def main(url: str, processes: str, threads: str) -> None:
    """Keep so many running."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    get_resolver()._populate()  # loaded once for all
    broker = Broker(BrokerAddress(url), "queueproxy", LEASE)
    options = WorkerOptions(broker, QUEUES, (), threads=int(threads))
    link = broker.link("burial")
    told: dict[int, int] = {}  # process id -> what it writes its names to
    try:
        while True:
            while len(told) < int(processes):
                pid, reading = _start(options)
                told[pid] = reading
            pid, _ = os.wait()
            with os.fdopen(told.pop(pid)) as words:
                for worker in set(words.read().split()) - {SERVING, GOODBYE}:
                    link.script("worker_reap", worker)
    finally:
        for pid in told:
            os.kill(pid, signal.SIGKILL)


def _start(options: WorkerOptions) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        Worker(options, lambda word: os.write(writing, f"{word}\n".encode())).run()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
