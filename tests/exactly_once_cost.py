"""What exactly-once costs: the same POST through the queue, in atomic() and with the policy.

    python -m tests.exactly_once_cost --rounds 6 --seconds 5

Both views are of one site and share its processes; they are asked in turns, so that whatever else
the machine does meets both. Wanted: the median of the rounds' ratios is 0.85 at least. Needs wrk
and PostgreSQL.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.wrk import Seen, Shot

from .acceptance.site import Site
from .kit.broker_server import BrokerServer
from .kit.postgres import PostgresServer
from .kit.waiting import wait_until

PATHS = ("/atomic/", "/once/")
TABLES = """
CREATE TABLE stock (id int PRIMARY KEY);
INSERT INTO stock VALUES (1);
CREATE TABLE orders (id bigserial PRIMARY KEY, size int);
"""
BODY = 200  # bytes
CONNECTIONS = 16
ENOUGH = 0.85


@contextlib.contextmanager
def running(processes: int, threads: int) -> Iterator[Site]:
    """Start a site with its broker and its database."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres, broker = PostgresServer().start(), BrokerServer().start()
        stack.callback(postgres.stop)
        stack.callback(broker.stop)
        site = Site(directory, broker, "uvicorn")
        stack.callback(site.stop)
        site.environ["DJANGO_SETTINGS_MODULE"] = "tests.acceptance.probe.once_settings"
        site.environ["PROBE_URLCONF"] = "tests.acceptance.probe.cost_urls"
        site.environ["PROBE_POSTGRES"] = str(postgres.directory)
        done = site.run("migrate")
        if done.returncode:
            raise RuntimeError(done.stderr)
        with psycopg.connect(postgres.url) as connection:
            connection.execute(TABLES)
        site.workers("--processes", str(processes), "--threads", str(threads))
        site.front()
        wait_until(lambda: _load(site, "/once/", 1).errors == 0, "the front knows the policy")
        yield site


def _load(site: Site, path: str, seconds: float) -> Seen:
    return Shot(site.url + path, CONNECTIONS, seconds, body=BODY).run()


def measure(site: Site, rounds: int, seconds: float) -> list[float]:
    """Ask both in turns, print each round; how much of the first one's rate the second has."""
    ratios = []
    print("| round | atomic, a second | exactly once | ratio | p50 ms | p99 ms | errors |")
    print("|---|---|---|---|---|---|---|")
    for number in range(rounds):
        order = PATHS if number % 2 else PATHS[::-1]
        seen = {path: _load(site, path, seconds) for path in order}
        atomic, once = (seen[path] for path in PATHS)
        ratios.append(once.per_second / atomic.per_second)
        cells = (
            number + 1,
            f"{atomic.per_second:.0f}",
            f"{once.per_second:.0f}",
            f"{ratios[-1]:.2f}",
            f"{atomic.p50:.1f} / {once.p50:.1f}",
            f"{atomic.p99:.1f} / {once.p99:.1f}",
            atomic.errors + once.errors,
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return ratios


def main() -> int:
    """Run it; 1 where it costs more than is allowed."""
    parser = argparse.ArgumentParser(prog="python -m tests.exactly_once_cost")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5, help="of each view, each round")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with running(options.processes, options.threads) as site:
        ratios = measure(site, options.rounds, options.seconds)
    median = statistics.median(ratios)
    print(f"median {median:.3f}, from {min(ratios):.2f} to {max(ratios):.2f}; wanted {ENOUGH}")
    return 0 if median >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
