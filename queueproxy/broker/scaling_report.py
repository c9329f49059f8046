"""Tells the broker how many processes a supervisor wants that follows the load."""

from .link.links import Link
from .observe.scaling import ScalingTold, encode


def tell_scaling(link: Link, supervisor: str, told: ScalingTold | None) -> None:
    """Let people see it in ``status`` and on the page, and others of its kind count with it.

    Args:
        supervisor: ``host:pid``.
        told: None where it follows no more.

    Raises:
        BrokerUnavailable: it could not be told.
    """
    link.script("tell_scaling", supervisor, encode(told) if told else b"")
