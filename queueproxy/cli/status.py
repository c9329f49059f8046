"""queueproxy status and metrics."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from .. import conf
from ..broker.observe.metrics import exposition
from ..broker.observe.reader import SnapshotReader
from ..broker.observe.snapshot import unreachable_status
from ..broker.observe.troubles import stuck_requests
from ..exceptions import BrokerUnavailable
from . import screen, watch
from .ask import COULD_NOT_ASK, DID_NOT_HOLD, DONE


def status(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print the state once, or live."""
    stats, max_hold = _stats(), conf.get_settings().max_hold
    if options["watch"]:
        watch.watch(stats, max_hold, command.stdout, color=not options["no_color"])
        return DONE
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
        width = watch.terminal_width(command.stdout)
        text = screen.as_text(
            screen.screen(snapshot, max_hold, width or screen.PLAIN_WIDTH),
            color=width is not None and not options["no_color"],
            width=width,
        )
        command.stdout.write(text, ending="")
    healthy = snapshot.serving and snapshot.fronts
    stuck = stuck_requests(snapshot.workers, max_hold)
    return DONE if healthy and not stuck else DID_NOT_HOLD


def metrics(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print every metric once."""
    command.stdout.write(exposition(_stats().snapshot()), ending="")
    return DONE


def _stats() -> SnapshotReader:
    return SnapshotReader(conf.broker().link("status"), conf.get_settings().all_queues)
