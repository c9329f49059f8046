"""A site's broker as its operators see it."""

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.link.links import Link
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.observe.snapshot import Snapshot

NAMESPACE = "queueproxy"  # unless settings say otherwise
LEASE = 15.0  # seconds
QUEUES = ("ops", "high", "default", "low")


def link_to(url: str) -> Link:
    """A link, to be closed."""
    return Broker(BrokerAddress(url), NAMESPACE, LEASE).link("test")


def snapshot_of(url: str) -> Snapshot:
    """What ``queueproxy status`` tells."""
    with link_to(url) as link:
        return SnapshotReader(link, QUEUES).snapshot()
