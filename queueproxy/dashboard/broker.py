"""The dashboard's way to the broker: one link a request, dropped at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from .. import conf
from ..broker.link.links import Link
from ..keys import Keys


@contextmanager
def broker_link() -> Iterator[Link]:
    """A link for the length of a view.

    Raises:
        BrokerUnavailable: from whatever is asked over it.
    """
    settings = conf.get_settings()
    link = Link(
        conf.broker_target(), Keys(settings.namespace), "dashboard", int(settings.lease * 1000)
    )
    try:
        yield link
    finally:
        link.close()
