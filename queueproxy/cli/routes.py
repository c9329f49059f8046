"""queueproxy routes: what applies to each view, and to one request as a running front decides."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from django.core.management.base import BaseCommand

from .. import conf, route_table
from ..asgi_types import Scope
from ..broker.front_broker import PublishedRoutes
from ..broker.link.protocol import checked
from ..consumer_settings import consumer_options
from ..exceptions import BrokerUnavailable
from ..front.consumer_options import ConsumerOptions
from ..front.known_routes import KnownRoutes
from ..front.treatment import treatment
from ..policy_table import RoutePolicy
from ..worker.policy_survey import Survey, Surveyed, survey
from ..worker.view_policies import MethodPolicy
from .ask import DONE


def routes(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print what applies to all views of this code, or to one request as fronts decide now."""
    if options["path"] is None:
        lines = _all_views(survey(conf.policies_by_name()))
    else:
        lines = _one_request(options["path"], options["method"].upper())
    for line in lines:
        command.stdout.write(line)
    return DONE


# All views.


def _all_views(found: Survey) -> Iterator[str]:
    yield _which_table(found)
    width = max((len(view.view.shown) for view in found.views), default=0)
    for view in found.views:
        for line in _of_view(view):
            yield f"{view.view.shown:{min(width, 60)}}  {line}"


def _which_table(found: Survey) -> str:
    try:
        known = _published()
    except BrokerUnavailable as error:
        return f"Which table fronts go by is not known: {error}"
    if known.table is None:
        return "No table is published: fronts go by ROUTES and RETRY_METHODS."
    same = known.table.routes == found.routes and known.table.languages == found.languages
    release = f" (release {known.table.release})" if known.table.release else ""
    return f"Fronts go by {'this code' if same else 'the table of other code'}{release}."


def _of_view(view: Surveyed) -> Iterator[str]:
    if view.left_out:
        yield f"not expressible: {view.left_out}"
    for said in view.view.policies:
        methods = f"{'/'.join(said.methods)}: " if said.methods else ""
        by = ", ".join(dict.fromkeys(saying.by for saying in said.sayings))
        where = "worker only" if view.left_out else "table"
        yield f"{where}: {methods}{_keys(said)} (said by {by})"
    if not view.view.policies:
        yield "settings: ROUTES" if conf.get_settings().routes else "default"


def _keys(said: MethodPolicy) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in said.policy.said().items())


# One request.


def _one_request(target: str, method: str) -> Iterator[str]:
    known = _published()
    options = consumer_options(conf.get_settings(), known)
    path = unquote(target.partition("?")[0])
    raw = quote(path, safe="/%:@!$&'()*+,;=~")
    scope = {"method": method, "path": path, "raw_path": raw.encode(), "headers": []}
    decided, said = treatment(scope, options), known.policy(scope)
    yield f"{method} {raw}"
    yield f"  queue      {decided.queue} ({_why_queue(scope, options, said)})"
    held_by = "the view's policy" if said.max_hold else "MAX_HOLD"
    yield f"  held for   {decided.max_hold:g} s ({held_by})"
    why = "exactly_once" if decided.fenced else _why_attempts(said)
    yield f"  started    {_attempts(decided.max_attempts)} ({why})"
    if decided.fenced:
        yield f"  committed  once, in the database {decided.fenced!r} (the view's policy)"
    if decided.group:
        yield f"  at once    {decided.at_most} of {decided.group} (the view's policy)"
    if known.table is None:
        yield "No table is published: fronts go by ROUTES and RETRY_METHODS."


def _attempts(most: int) -> str:
    return "once at most" if most == 1 else f"{most} times at most"


def _why_queue(scope: Scope, options: ConsumerOptions, said: RoutePolicy) -> str:
    route = options.route
    if route.is_in_lane(scope):
        return "the page about the queue, or its login"
    if route.by_rules(scope):
        return "ROUTES"
    return "the view's policy" if said.queue in conf.get_settings().queues else "default"


def _why_attempts(said: RoutePolicy) -> str:
    return "RETRY_METHODS" if said.repeat is None else "the view's policy"


def _published() -> KnownRoutes:
    """Read the table that is published now, as a front does.

    Raises:
        BrokerUnavailable: it could not be read.
    """
    broker = conf.broker()
    known = KnownRoutes(route_table.signer(conf.signing_secrets(), broker.namespace))
    with broker.link("routes") as link:
        (found,) = link.commands([("HMGET", link.keys.routes, "digest", "table")])
    known.take(PublishedRoutes(*checked(found)))
    return known
