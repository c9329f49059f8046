"""The handle of the broker: an address, a namespace, a lease.

Every link and every key comes from here, so that no two places disagree about them.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..envelopes import Codec
from ..keys import Keys
from .link.connect import BrokerAddress
from .link.links import AsyncLink, Link
from .scripts import library

_links: weakref.WeakSet[Link] = weakref.WeakSet()


def close_links() -> None:
    """Close every blocking link of this process: in a forked child, to which they don't belong.

    The connections of its parent stay as they are; a link that is used again makes a new one.
    """
    for link in list(_links):
        link.close()


@dataclass(frozen=True)
class Broker:
    """Makes every link to one namespace of one Redis or Valkey.

    Args:
        address: of the server.
        namespace: the setting ``NAMESPACE``.
        lease: seconds a process may be silent before it is given up (the setting ``LEASE``).
        max_memory: bytes of requests and answers it holds at most (the setting ``MAX_MEMORY``).

    Raises:
        ScriptsUnreadable: the script library could not be read.
    """

    address: BrokerAddress
    namespace: str
    lease: float
    max_memory: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        library()  # read now: later there may be no descriptor left to read it with

    @cached_property
    def keys(self) -> Keys:
        """The keys of the namespace."""
        return Keys(self.namespace)

    @property
    def lease_ms(self) -> int:
        """The lease in milliseconds, as scripts are told."""
        return int(self.lease * 1000)

    def codec(self, secrets: Sequence[str | bytes]) -> Codec:
        """Signs and verifies for this namespace.

        Args:
            secrets: of the project, the current one first; none switches signing off.
        """
        return Codec(secrets, self.namespace)

    def link(self, role: str, *, spin: bool = False) -> Link:
        """Make a blocking link, connected when it is first used; also a context manager.

        Args:
            role: told to the server as the connection's name (CLIENT SETNAME).
            spin: see `Link`.
        """
        link = Link(self.address, self.keys, role, self.lease_ms, spin=spin)
        _links.add(link)
        return link

    def async_link(self, role: str) -> AsyncLink:
        """Make a link for asyncio, connected when it is first used."""
        return AsyncLink(self.address, self.keys, role, self.lease_ms)
