"""The routes of this process's own code: published for fronts, and the last word on the lane."""

import logging
from collections.abc import Mapping

import msgspec.structs

from .. import route_table
from ..broker.registration import WorkerRegistration
from ..envelopes import RequestHead
from ..exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch
from ..policy import Policy
from ..route_table import OPS_QUEUE, OpsPaths, RouteTable, path_in_site
from ..signing import Signer
from . import published_routes
from .policy_survey import Survey, survey

logger = logging.getLogger("queueproxy.worker")

MOST_NAMED = 20  # routes in the log


class OwnRoutes:
    """Finds the routes of this code and keeps them published. One per process.

    The project's URLconf is read, the table published and published again by one thread; any
    thread may ask what is in it.

    Attributes:
        databases: in which views have effects that are to happen once.

    Args:
        release: of the code.
        signer: of tables: see route_table.signer.
        registration: of the process.
        policies: the setting ``POLICIES``.
    """

    def __init__(
        self,
        release: str,
        signer: Signer,
        registration: WorkerRegistration,
        policies: Mapping[str, Policy],
    ):
        self._release = release
        self._policies = policies
        self._signer = signer
        self._registration = registration
        self._ops: OpsPaths | None = None  # None until the URLconf could be read
        self._table = b""  # encoded; empty where there is none to publish
        self._published = False
        self._trouble = ""  # said already
        self.databases: frozenset[str] = frozenset()

    def may_run(self, queue: str, head: RequestHead) -> bool:
        """Whether a request from this queue may be run: in the lane only what belongs to it."""
        if queue != OPS_QUEUE:
            return True
        return self._ops is not None and path_in_site(head.path, head.root_path) in self._ops

    def keep_published(self) -> None:
        """Publish the table once, and again where it was lost; with each heartbeat, once serving.

        Whatever goes wrong is said once and tried again the next time.
        """
        if self._ops is None:
            self.read()
        try:
            if self._table:
                self._publish()
                self._trouble = ""
        except SchemaMismatch:
            pass  # the heartbeat says so
        except Exception as error:
            self._complain(error)

    def read(self) -> None:
        """Find the routes in the project's URLconf."""
        try:
            table = published_routes.route_table(self._release)
            self._ops = OpsPaths(table.ops)
            found = survey(self._policies)
            self.databases = found.databases
            table = with_policies(table, found)
            self._table = route_table.encoded(table, self._signer)
        except BaseException as error:  # whatever the project's code raises
            self._complain(error)

    def _publish(self) -> None:
        digest = route_table.table_digest(self._table)
        anew = not self._published
        self._published = self._registration.publish(digest, self._table, anew=anew)

    def _complain(self, error: BaseException) -> None:
        refused = isinstance(error, ErrorReply)
        if isinstance(error, BrokerUnavailable) and not refused:
            return  # it is away: the heartbeat says so
        trouble = f"{type(error).__name__}: {error}"
        if trouble == self._trouble:
            return
        self._trouble = trouble
        logger.warning(
            "The table of routes can't be published (%s); trying again.",
            trouble,
            exc_info=None if refused else error,
        )


def with_policies(table: RouteTable, found: Survey) -> RouteTable:
    """Add the routes that have a policy; those that fronts won't know are named in the log."""
    left_out = [one for one in found.views if one.left_out]
    for view, reason in left_out[:MOST_NAMED]:
        logger.warning("Fronts don't know the policy of %s: %s.", view.shown, reason)
    if len(left_out) > MOST_NAMED:
        logger.warning(
            "Nor those of %d more; see manage.py queueproxy routes.", len(left_out) - MOST_NAMED
        )
    return msgspec.structs.replace(table, routes=found.routes, languages=found.languages)
