"""Shows whose requests wait and run."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.observe.clients import ClientLoad, Clients, read_clients
from ..exceptions import BrokerUnavailable, SchemaMismatch
from ..wording import share_text
from .chart_selection import ChartSelection
from .pages import away, page_context, require

if TYPE_CHECKING:
    from ..admin import QueueAdmin

SHOWN = 20  # clients
MUCH = 0.5  # of what was looked at: a client that has more is an alarm
MANY = 10  # requests, with fewer of which nobody floods anything


def clients(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render who asks for most, of the queue in ``?of=`` or of all."""
    require(request, "view_dashboard")
    shown = ChartSelection.of(request.GET)
    context = page_context(model_admin, request, _("Clients"))
    names = ("", *conf.get_settings().queues)
    context.update(
        shown=shown,
        below="queue",
        queues=[(name, shown._replace(queue=name).query) for name in names],
    )
    try:
        with conf.broker().link("dashboard") as link:
            found = read_clients(link, shown.queues)
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    context.update(found=found, clients=[_client(one, found) for one in found.busiest[:SHOWN]])
    return TemplateResponse(request, "queueproxy/clients.html", context)


def _client(client: ClientLoad, found: Clients) -> dict[str, Any]:
    share = client.requests / found.seen
    return {
        "address": client.address or _("not known"),
        "waiting": client.waiting,
        "running": client.running,
        "share": share_text(share),
        "much": share >= MUCH and client.requests >= MANY,
        "path": client.path,
    }
