"""Makes the options of a front's consumers of the settings."""

from . import conf
from .front.consumer_options import ConsumerOptions
from .front.http.headers import parse_networks
from .front.known_routes import KnownRoutes
from .front.routing import Router
from .route_table import OPS_QUEUE


def consumer_options(settings: conf.Settings, routes: KnownRoutes) -> ConsumerOptions:
    """Make the options.

    Args:
        routes: as the front knows them.
    """
    lane = (OPS_QUEUE, routes.is_for_operators)
    return ConsumerOptions(
        max_hold=settings.max_hold,
        max_body=settings.max_body,
        max_attempts=settings.max_attempts,
        retry_methods=frozenset(settings.retry_methods),
        trusted_proxies=parse_networks(settings.trusted_proxies),
        server_timing=settings.server_timing,
        route=Router(settings.routes, settings.queues, ops=lane),
        policy=routes.policy,
    )
