"""What the operating commands share: a link to the broker, and the names of queues."""

from collections.abc import Sequence

from django.core.management.base import CommandError

from .. import conf
from ..broker.link.links import Link
from ..keys import Keys

DONE, DID_NOT_HOLD, COULD_NOT_ASK = 0, 1, 2


def open_link(role: str = "control") -> Link:
    """A link of the command's own; a CommandError where the settings are wrong."""
    settings = conf.get_settings()
    keys = Keys(settings.namespace)
    return Link(conf.broker_target(), keys, role, int(settings.lease * 1000))


def chosen_queues(names: Sequence[str]) -> tuple[str, ...]:
    """The queues named, or all.

    Raises:
        CommandError: there is no such queue.
    """
    known = tuple(conf.get_settings().queues)
    for name in names:
        if name not in known:
            raise CommandError(
                f"No queue {name!r}. Queues: {', '.join(known)}.", returncode=COULD_NOT_ASK
            )
    return tuple(dict.fromkeys(names)) or known
