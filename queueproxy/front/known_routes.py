"""Knows the project's URLs for a front: the last good table that workers have published."""

import asyncio
import logging

from ..asgi_types import Scope
from ..broker.front_broker import PublishedRoutes
from ..exceptions import DecodeError
from ..policy_table import NO_POLICY, PolicyTable, RoutePolicy
from ..route_table import OpsPaths, RouteTable, decoded_path_in_site, path_in_site, read
from ..signing import Signer
from .http.headers import raw_path

logger = logging.getLogger("queueproxy.front")


class KnownRoutes:
    """The last good table.

    Before there is one, no request is of the operators' lane, and nothing is said of any.

    Attributes:
        table: None before there is one.
        asked_for: set once the broker has been asked for it, whether there was one or not.

    Args:
        signer: verifies tables.
    """

    def __init__(self, signer: Signer):
        self.table: RouteTable | None = None
        self.asked_for = asyncio.Event()
        self._signer = signer
        self._digest = b""  # of that table
        self._ops = OpsPaths()
        self._policies = PolicyTable()
        self._refused = False  # the table looked at last

    def have(self, digest: bytes) -> bool:
        """Whether there is nothing to look at: no table is published, or the one known here."""
        return not digest or digest == self._digest

    def take(self, published: PublishedRoutes) -> None:
        """Go by this table from now on, where it is a good one; else by the one before."""
        self.asked_for.set()
        if published.digest is None or published.table is None:
            return  # lost with the broker's data: workers will publish it again
        try:
            table = read(published.table, self._signer)
        except DecodeError as error:
            if not self._refused:
                logger.error(
                    "The published table of routes was refused (%s); the one before stays.", error
                )
            self._refused = True
        else:
            self.table = table
            self._digest, self._refused = published.digest, False
            self._ops = OpsPaths(table.ops)
            self._policies = PolicyTable(table.routes, table.languages)

    async def first_answer(self, within: float) -> float:
        """Wait until the broker has been asked once.

        A front that has just started would treat a request by the settings alone.

        Args:
            within: seconds, at most: the broker may be away.

        Returns:
            The seconds it took; 0 but for a front's first requests.
        """
        if self.asked_for.is_set():
            return 0.0
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(within):
                await self.asked_for.wait()
        except TimeoutError:
            pass
        return clock() - began

    def is_for_operators(self, scope: Scope) -> bool:
        """Whether a request travels in the operators' lane."""
        return path_in_site(raw_path(scope), scope.get("root_path", "")) in self._ops

    def policy(self, scope: Scope) -> RoutePolicy:
        """Return what the view says of a request; nothing of those in the operators' lane."""
        if self.is_for_operators(scope):
            return NO_POLICY
        path = decoded_path_in_site(scope["path"], scope.get("root_path", ""))
        return self._policies.policy(path, scope["method"])
