"""The broker as the rest of the code is given it: an address, a namespace, a lease.

Every link and every key comes from here, so that no two places disagree about them.
"""

from dataclasses import dataclass
from functools import cached_property

from ..keys import Keys
from .link.connect import BrokerAddress
from .link.links import AsyncLink, Link


@dataclass(frozen=True)
class Broker:
    """Makes every link to one namespace of one Redis or Valkey.

    Args:
        address: of the server.
        namespace: the setting ``NAMESPACE``.
        lease: seconds a process may be silent before it is given up (the setting ``LEASE``).
        max_memory: bytes of requests and answers it holds at most (the setting ``MAX_MEMORY``).
    """

    address: BrokerAddress
    namespace: str
    lease: float
    max_memory: int = 256 * 1024 * 1024

    @cached_property
    def keys(self) -> Keys:
        """The keys of the namespace."""
        return Keys(self.namespace)

    @property
    def lease_ms(self) -> int:
        """The lease in milliseconds, as scripts are told."""
        return int(self.lease * 1000)

    def link(self, role: str, *, spin: bool = False) -> Link:
        """A blocking link, connected when it is first used; also a context manager.

        Args:
            role: told to the server as the connection's name (CLIENT SETNAME).
            spin: see `Link`.
        """
        return Link(self.address, self.keys, role, self.lease_ms, spin=spin)

    def async_link(self, role: str) -> AsyncLink:
        """A link for asyncio, connected when it is first used."""
        return AsyncLink(self.address, self.keys, role, self.lease_ms)
