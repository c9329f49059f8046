"""Words what a front or a worker works with, for the log as it starts; nothing secret."""

from collections.abc import Iterable
from typing import Any

from .. import conf
from ..conf import Settings
from ..wording import count_text
from ..worker.scaling.process_range import processes_text

MIB = 1024 * 1024


def front_text(settings: Settings) -> str:
    """Word the broker, the queues and the limits of a front, a line each."""
    limits = (
        f"MAX_HOLD {settings.max_hold:g} s",
        f"MAX_DEPTH {settings.max_depth}",
        f"MAX_BODY {_mib(settings.max_body)}",
        f"MAX_MEMORY {_mib(settings.max_memory)}",
        f"FRONT_MEMORY {_mib(settings.front_memory)}",
        f"FRONT_SPOOL {_mib(settings.front_spool)}",
    )
    return f"{_broker_text(settings)}\n{_queues_text(settings.queues)}\nLimits: {', '.join(limits)}"


def worker_text(settings: Settings, options: dict[str, Any]) -> str:
    """Word the same for workers, in one line.

    Args:
        options: of the command line.
    """
    at_once = options["at_once"]
    each = f"{at_once} requests at once" if at_once else count_text(options["threads"], "thread")
    processes = processes_text(options["processes"])
    late = "none" if settings.view_timeout is None else f"{settings.view_timeout:g} s"
    limits = (
        f"LEASE {settings.lease:g} s",
        f"MAX_ATTEMPTS {settings.max_attempts}",
        f"VIEW_TIMEOUT {late}",
        f"graceful timeout {options['graceful_timeout']:g} s",
    )
    queues = _queues_text(options["queues"] or settings.queues)
    return (
        f"{processes} of {each}. {_broker_text(settings)}. {queues}. Limits: {', '.join(limits)}."
    )


def _broker_text(settings: Settings) -> str:
    return f"Broker: {conf.broker().address.shown} (namespace {settings.namespace})"


def _queues_text(queues: Iterable[str]) -> str:
    return f"Queues: {', '.join(queues)}"


def _mib(size: int) -> str:
    return f"{size / MIB:g} MiB"
