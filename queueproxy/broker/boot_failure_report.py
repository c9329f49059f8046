"""Tells the broker why processes of a supervisor do not come up."""

from .link.links import Link
from .observe.boot_failures import FailureTold, encode


def tell_boot_failure(link: Link, supervisor: str, failure: FailureTold | None) -> None:
    """Let people see it in ``status`` and on the page; None where they have come up since.

    Raises:
        BrokerUnavailable: it could not be told.
    """
    link.script("tell_boot_failure", supervisor, encode(failure) if failure else b"")
