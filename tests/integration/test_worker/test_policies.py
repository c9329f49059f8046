"""A worker publishes the policies of its views, and has the last word on what is run again."""

import msgspec.structs
import pytest
from django.http import HttpResponse
from django.urls import path, re_path

from queueproxy import route_table
from queueproxy.broker.operate.control import Control
from queueproxy.policy import Policy, policy
from queueproxy.policy_table import RoutePolicy
from queueproxy.route_table import RouteTable

from ...brokers import SECRETS, eventually
from ...urlconfs import Urlconf
from . import views

SIGNER = route_table.signer(SECRETS, "kit")


def other(request, nonce):
    return views.run(request, nonce)


def site(**policies):
    """A URLconf: ``run/`` and ``other/`` with the policies of those names."""
    found = {"run": views.run, "other": other}
    marked = {name: policy(**policies.get(name, {}))(view) for name, view in found.items()}
    return Urlconf(*(path(f"{name}/<nonce>/", view) for name, view in marked.items()))


def published(kit) -> RouteTable | None:
    raw = kit.client.hget(kit.keys.routes, "table")
    return raw and route_table.read(raw, SIGNER)


@pytest.fixture
def start(start_worker, settings):
    """Starts a worker with this URLconf."""

    def start(urlconf, **options):
        settings.ROOT_URLCONF = urlconf
        return start_worker(**options)

    return start


async def lost_once(kit, client, target: str, method: str = "GET") -> str:
    """A request whose first worker was lost while it ran it; its id."""
    order = client.encoded_request(target, method, max_attempts=2)
    order = msgspec.structs.replace(order, meta=order.meta._replace(max_attempts=2))
    await kit.send(client.front_broker, order)
    lost = kit.registration()
    assert kit.worker_broker(lost).settle_and_claim(None).id == order.id
    lost.leave()
    return order.id


async def test_it_publishes_what_its_views_say(kit, start):
    worker = start(site(run={"queue": "low", "at_most": 2}))
    await eventually(lambda: "serving" in worker.told)
    (route,) = published(kit).routes
    assert route.policies == [RoutePolicy(queue="low", group=f"{views.__name__}.run", at_most=2)]


async def test_what_fronts_can_not_know_is_named_in_the_log(kit, start, caplog):
    urlconf = Urlconf(re_path(r"^run(?=/)/(?P<nonce>\w+)/$", policy(queue="low")(views.run)))
    worker = start(urlconf)
    await eventually(lambda: "serving" in worker.told)
    assert published(kit).routes == []
    assert "Fronts don't know the policy of" in caplog.text


@pytest.mark.parametrize(
    ("said", "method", "runs"),
    [
        ({}, "GET", True),
        ({}, "POST", False),
        ({"repeat": True}, "POST", True),
        ({"repeat": False}, "GET", False),
        ({"queue": "low"}, "GET", True),
    ],
)
async def test_a_second_start_needs_the_views_consent(
    kit, client, start, state, said, method, runs, caplog
):
    """Whatever the front has signed: it may go by another release's table."""
    id = await lost_once(kit, client, "/run/a/", method)
    start(site(run=said) if said else site())
    if runs:
        assert await client.status(id) == 200
        assert state.runs == [f"{method} a"]
        return
    assert await client.notice(id) == "worker_lost"
    assert state.runs == []
    assert "was not run again: its view may be run once only" in caplog.text
    assert [letter.reason for letter in Control(kit.link()).dead_letters()] == ["worker_lost"]


async def test_methods_of_the_settings_count_where_nothing_is_said(kit, client, start, state):
    id = await lost_once(kit, client, "/run/a/", "PUT")
    start(site(), retry_methods=frozenset(("GET", "PUT")))
    assert await client.status(id) == 200


async def test_policies_of_the_settings_count_too(kit, client, start, state):
    id = await lost_once(kit, client, "/run/a/")
    start(site(), policies={f"{views.__name__}.run": Policy(repeat=False)})
    assert await client.notice(id) == "worker_lost"


async def test_the_first_start_is_not_asked_about(kit, client, start, state):
    start(site(run={"repeat": False}))
    assert await client.status(await client.ask("/run/a/")) == 200


async def test_a_refusal_does_not_stick_to_its_thread(kit, client, start, state):
    refused = await lost_once(kit, client, "/run/a/")
    start(site(run={"repeat": False}))
    assert await client.notice(refused) == "worker_lost"
    assert await client.status(await client.ask("/run/b/")) == 200
    assert state.runs == ["GET b"]


class OtherSite:
    """A middleware that has another URLconf serve the request, as those of sites by host name."""

    urlconf = Urlconf(path("run/<nonce>/", policy(repeat=False)(other)))

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        request.urlconf = self.urlconf
        return self._get_response(request)

    def process_view(self, request, *view):
        views.state.runs.append("process_view")


async def test_the_view_that_django_chooses_is_asked(kit, client, start, state, settings):
    settings.MIDDLEWARE = [f"{__name__}.OtherSite"]
    id = await lost_once(kit, client, "/run/a/")
    start(site(run={"repeat": True}))
    assert await client.notice(id) == "worker_lost"
    assert state.runs == []  # nor was any middleware's process_view


async def test_a_middleware_that_answers_itself_may(kit, client, start, state, settings):
    settings.MIDDLEWARE = [f"{__name__}.answering"]
    id = await lost_once(kit, client, "/run/a/")
    start(site(run={"repeat": False}))
    assert await client.status(id) == 204


def answering(get_response):
    return lambda request: HttpResponse(status=204)
