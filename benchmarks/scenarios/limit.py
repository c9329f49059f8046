"""What one broker carries: more and more workers that do nothing but claim and answer."""

import time

from tests.kit.proc import cpu_seconds
from tests.kit.waiting import wait_until

from ..broker import BenchBroker
from . import light

WORKERS = (1, 2, 4, 8, 16, 32)
WAITING = 512  # requests on the queue at all times
SETTLE = 1.0  # seconds before measuring


def run(seconds: float) -> dict:
    """Answers a second, and how busy the broker's one thread was, by number of workers."""
    rows = [_row(number, seconds) for number in WORKERS]
    best = max(rows, key=lambda row: row["per_second"])
    return {
        "rows": rows,
        "best_per_second": best["per_second"],
        # Where the machine ran out of cores before the broker ran out of its own:
        "ceiling_per_second": 1 / best["broker_cpu_seconds_per_request"],
    }


def _row(number: int, seconds: float) -> dict:
    broker = BenchBroker().start()
    answered = light.processes.Value("Q", 0, lock=False)
    started = [light.processes.Process(target=light.front, args=(broker.url, WAITING, answered))]
    started += [
        light.processes.Process(target=light.worker, args=(broker.url,)) for _ in range(number)
    ]
    try:
        for process in started:
            process.start()
        wait_until(lambda: answered.value > WAITING, "the first answers", 60)
        time.sleep(SETTLE)
        return {"workers": number, **_watch(broker, answered, seconds)}
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()
        broker.stop()


def _watch(broker: BenchBroker, answered, seconds: float) -> dict:
    pids = broker.pids()
    began, first, used = time.monotonic(), answered.value, cpu_seconds(*pids)
    time.sleep(seconds)
    took, requests = time.monotonic() - began, answered.value - first
    busy = cpu_seconds(*pids) - used
    return {
        "per_second": requests / took,
        "broker_busy": busy / took,
        "broker_cpu_seconds_per_request": busy / max(requests, 1),
    }
