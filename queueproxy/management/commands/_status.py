"""queueproxy status and metrics."""

import json
import time

from queueproxy import conf
from queueproxy.broker.metrics import exposition
from queueproxy.broker.snapshot import Snapshot, unreachable_status
from queueproxy.broker.stats import Stats
from queueproxy.exceptions import BrokerUnavailable

from ._ask import COULD_NOT_ASK, DID_NOT_HOLD, DONE, open_link

REFRESH = 1.0  # seconds


def status(command, options: dict) -> int:
    """Print the state once, or live."""
    stats = _stats()
    if options["watch"]:
        return _watch(command, stats)
    try:
        snapshot = stats.snapshot()
    except BrokerUnavailable:
        if not options["json"]:
            raise
        command.stdout.write(json.dumps(unreachable_status(), indent=2))
        return COULD_NOT_ASK
    if options["json"]:
        command.stdout.write(json.dumps(snapshot.as_status(), indent=2))
    else:
        command.stdout.write(as_text(snapshot))
    return DONE if snapshot.workers and snapshot.fronts else DID_NOT_HOLD


def metrics(command, options: dict) -> int:
    """Print every metric once."""
    command.stdout.write(exposition(_stats().snapshot()), ending="")
    return DONE


def _stats() -> Stats:
    return Stats(open_link("status"), conf.get_settings().all_queues)


def _watch(command, stats: Stats) -> int:
    try:
        while True:
            try:
                text = as_text(stats.snapshot())
            except BrokerUnavailable as error:
                text = f"The broker can't be reached: {error}\n"
            command.stdout.write("\x1b[2J\x1b[H" + text)
            command.stdout.flush()
            time.sleep(REFRESH)
    except KeyboardInterrupt:
        return DONE


def as_text(snapshot: Snapshot) -> str:
    """The state for people, in the width of a terminal."""
    megabytes = snapshot.memory_bytes / 2**20
    lines = [f"broker   {snapshot.server} {snapshot.version}, {megabytes:.1f} MB"]
    lines += ["", "QUEUE       DEPTH  IN FLIGHT  OLDEST WAIT    ENQUEUED   COMPLETED  P95 WAIT"]
    for q in snapshot.queues:
        p95 = "-" if q.wait_p95_seconds is None else f"≤ {q.wait_p95_seconds:g} s"
        lines.append(
            f"{q.name:<10}{q.depth:>7}{q.in_flight:>11}{q.oldest_wait_seconds:>11.1f} s"
            f"{q.enqueued_total:>12}{q.completed_total:>12}{p95:>10}{_pause_text(q)}"
        )
    lines += ["", "FRONT                                 HELD      AGE"]
    lines += [f"{f['id']:<36}{f['held']:>6}{f['age_seconds']:>7.0f} s" for f in snapshot.fronts]
    if not snapshot.fronts:
        lines.append("none: nobody accepts requests")
    lines += ["", "WORKER                               STATE       DONE  NOW"]
    for worker in snapshot.workers:
        lines.append(
            f"{worker['id']:<36} {worker['state']:<9}{worker['completed_total']:>7}  "
            + "; ".join(
                f"{c['method']} {c['path']} {c['seconds']:.1f} s" for c in worker["current"]
            )
        )
    if not snapshot.workers:
        lines.append("none: requests wait until one starts")
    if snapshot.dead_letters:
        lines += ["", f"{snapshot.dead_letters} dead letters: manage.py queueproxy dead list"]
    return "\n".join(lines) + "\n"


def _worker_text(worker: dict) -> str:
    now = "; ".join(f"{c['method']} {c['path']} {c['seconds']:.1f} s" for c in worker["current"])
    return f"{worker['id']:<36} {worker['state']:<9}{worker['completed_total']:>7}  {now}"


def _pause_text(queue) -> str:
    if not queue.paused:
        return ""
    reason = f": {queue.pause['reason']}" if queue.pause.get("reason") else ""
    return f"  PAUSED by {queue.pause.get('by', '?')}{reason}"
