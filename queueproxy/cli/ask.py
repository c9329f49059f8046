"""Exit statuses and names of queues, which the operating commands share."""

import os
from collections.abc import Sequence

from django.core.management.base import CommandError, OutputWrapper

from .. import conf
from ..wording import did_you_mean

DONE, DID_NOT_HOLD, COULD_NOT_ASK = 0, 1, 2


def drop_output(out: OutputWrapper) -> None:
    """Let what is written go nowhere: nobody reads it, nor must the interpreter at its end try."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def chosen_queues(names: Sequence[str], *, also: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the queues named, or all.

    Args:
        also: queues that may be named beside those of the setting ``QUEUES``.

    Raises:
        CommandError: there is no such queue.
    """
    every = tuple(conf.get_settings().queues)
    known = (*also, *every)
    for name in names:
        if name not in known:
            raise CommandError(
                f"No queue {name!r}.{did_you_mean(name, known)} Queues: {', '.join(known)}.",
                returncode=COULD_NOT_ASK,
            )
    return tuple(dict.fromkeys(names)) or every
