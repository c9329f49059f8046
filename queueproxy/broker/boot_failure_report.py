"""Tells the broker why processes of a release do not come up on a host."""

from .link.links import Link
from .observe.boot_failures import FailureTold, encode


def tell_boot_failure(link: Link, host: str, release: str, failure: FailureTold | None) -> None:
    """Let people see it in ``status`` and on the page.

    Args:
        release: empty for none.
        failure: None where they have come up: it is forgotten; with an empty `release`, all of this
            host is.

    Raises:
        BrokerUnavailable: it could not be told.
    """
    link.script("tell_boot_failure", host, release, encode(failure) if failure else b"")
