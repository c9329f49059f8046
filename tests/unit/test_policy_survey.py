"""What workers find in the URLconf and publish of it."""

import functools
import json

import pytest
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View

from queueproxy import route_table
from queueproxy.policy import Policy, policy
from queueproxy.policy_table import NO_POLICY, PolicyTable, RoutePolicy
from queueproxy.route_table import RouteTable
from queueproxy.worker import policy_survey
from queueproxy.worker.policy_survey import survey

from ..urlconfs import Urlconf
from ..urlconfs.comparison import over_the_wire

HERE = __name__


def view(request, **kwargs): ...


@policy(queue="low", at_most=2)
def heavy(request, **kwargs): ...


@policy(queue="high")
class Checkout(View):
    def get(self, request): ...

    @policy(repeat=True, at_most=1)
    def put(self, request): ...


class Restful(View):
    @policy(max_hold=5)
    def get(self, request): ...

    def post(self, request): ...


def shop(*patterns, **settings):
    """A site of these patterns."""
    return override_settings(ROOT_URLCONF=Urlconf(*patterns), **settings)


def known(*patterns, by_name=None, **settings) -> PolicyTable:
    """What a front knows of a site."""
    with shop(*patterns, **settings):
        table = over_the_wire(survey(by_name or {}))
    return PolicyTable(table.routes, table.languages)


def queues(table: PolicyTable, *paths: str, method: str = "GET") -> list[str]:
    return [table.policy(path, method).queue for path in paths]


def test_a_site_without_policies_publishes_nothing():
    with shop(path("a/", view), path("b/<int:n>/", view)):
        found = survey({})
    assert (found.routes, found.languages) == ([], None)
    assert [view.view.shown for view in found.views] == ["/a/", "/b/<int:n>/"]


def test_a_view():
    table = known(path("import/", heavy), path("x/", view))
    assert table.policy("/import/", "POST") == RoutePolicy(
        queue="low", group=f"{HERE}.heavy", at_most=2
    )
    for other in ("/import", "/x/", "/", "", "import/", "//import/", "*"):
        assert table.policy(other, "POST") is NO_POLICY


def test_by_method():
    table = known(path("pay/", Checkout.as_view()), path("r/", Restful.as_view()))
    assert table.policy("/pay/", "GET") == RoutePolicy(queue="high")
    put = table.policy("/pay/", "PUT")
    assert (put.queue, put.repeat, put.group) == ("high", True, f"{HERE}.Checkout.put")
    assert table.policy("/r/", "GET").max_hold == table.policy("/r/", "HEAD").max_hold == 5
    assert table.policy("/r/", "POST") is NO_POLICY


def test_actions_of_a_set_of_views():
    class Things:
        @policy(queue="low")
        def create(self, request): ...

    def as_view(request): ...

    as_view.cls, as_view.actions = Things, {"get": "list", "post": "create"}
    table = known(path("things/", as_view))
    assert [table.policy("/things/", method).queue for method in ("GET", "POST")] == ["", "low"]


def test_around_includes_and_views_in_the_urlconf():
    inner = [path("a/", view), path("b/", policy(queue="high")(view))]
    table = known(
        path("r/", policy(queue="low", at_most=3)(include(inner))),
        path("plain/", include(inner)),
        path("one/", policy(queue="low")(view)),
        path("two/", view),
    )
    assert queues(table, "/r/a/", "/r/b/", "/plain/a/", "/plain/b/", "/one/", "/two/") == [
        *("low", "high", "", "high", "low", "")
    ]
    assert {table.policy(f"/r/{one}/", "GET").group for one in "ab"} == {"/r/"}


def test_what_is_closer_wins():
    inner = policy(repeat=True)(include([path("a/", heavy)]))
    table = known(
        path("", policy(queue="high", repeat=False, max_hold=9)(include([path("", inner)])))
    )
    found = table.policy("/a/", "GET")
    assert (found.queue, found.repeat, found.max_hold) == ("low", True, 9)


def test_by_name_in_the_settings():
    by_name = {
        "shop:pay": Policy(queue="high"),
        f"{HERE}.view": Policy(queue="low", at_most=1),
        f"{HERE}.Restful": Policy(repeat=False),
    }
    names = ([path("pay/", heavy, name="pay"), path("v/", view, name="v")], "shop")
    table = known(
        path("", include(names)),
        path("part/", functools.partial(view)),
        path("r/", Restful.as_view()),
        by_name=by_name,
    )
    assert queues(table, "/pay/", "/v/", "/part/") == ["high", "low", "low"]
    assert table.policy("/v/", "GET").group == f"{HERE}.view"
    assert [table.policy("/r/", one).repeat for one in ("GET", "POST")] == [False, False]


def test_an_earlier_view_without_a_policy_keeps_its_paths():
    table = known(
        path("things/new/", view),
        path("things/<slug:name>/", heavy),
        path("things/late/", policy(queue="high")(view)),
    )
    assert queues(table, "/things/new/", "/things/x/", "/things/late/") == ["", "low", "low"]


def test_only_what_is_needed_is_published():
    with shop(
        path("other/", view),
        path("things/<int:pk>/edit/", view),
        path("things/new/", view),
        path("things/<slug:name>/", heavy),
        path("things/after/", view),
    ):
        assert len(survey({}).routes) == 2


def test_behind_a_pattern_that_is_not_expressible():
    with shop(
        re_path(r"^things/(?i:new)/", view),
        path("things/<slug:name>/", heavy),
        path("else/", heavy),
        path("thing", view),
        path("<slug:any>/<slug:thing>/", policy(queue="high")(view)),
    ):
        found = survey({})
    left_out = {one.view.shown: one.left_out for one in found.views if one.left_out}
    assert set(left_out) == {"/things/<slug:name>/", "/<slug:any>/<slug:thing>/"}
    assert "comes before it and may take its paths" in left_out["/things/<slug:name>/"]
    table = PolicyTable(found.routes)
    assert queues(table, "/else/", "/things/x/", "/a/b/") == ["low", "", ""]


def test_a_converter_with_code_of_its_own_hides_only_what_it_may_take():
    from . import test_url_patterns  # noqa: F401  registers it

    with shop(path("a/<policy_year:year>/", view), path("b/", heavy), path("a/<slug:s>/x/", heavy)):
        assert [bool(one.left_out) for one in survey({}).views] == [False, False, False]


def test_an_include_that_includes_itself_ends():
    module = Urlconf(path("a/", heavy))
    module.urlpatterns.append(path("again/", include(module)))
    assert queues(known(*module.urlpatterns), "/a/", "/again/a/") == ["low", "low"]


def test_what_does_not_fit_is_left_out_from_the_end(monkeypatch):
    monkeypatch.setattr(policy_survey, "MOST_ROUTES", 3)
    with shop(*(path(f"{n}/", heavy) for n in range(5))):
        found = survey({})
    assert (
        queues(PolicyTable(found.routes), *(f"/{n}/" for n in range(5))) == ["low"] * 3 + [""] * 2
    )
    assert [one.left_out for one in found.views[3:]] == ["the table of routes is full"] * 2


def test_500_policies_fit():
    long = policy(queue="low", max_hold=120, repeat=True, at_most=100)
    patterns = [
        path(f"application-number-{n}/<slug:something>/<int:pk>/edit/", long(view), name=f"n{n}")
        for n in range(500)
    ]
    guards = [path(f"application-number-{n}/x/<int:pk>/edit/", view) for n in range(500)]
    with shop(*guards, *patterns):
        found = survey({})
        raw = route_table.encoded(RouteTable("", [], found.routes), route_table.signer(("s",), "n"))
    assert len(found.routes) == 1000
    assert not any(one.left_out for one in found.views)
    assert len(raw) < route_table.MOST_BYTES // 2
    assert json.loads(raw)["table"]


@pytest.mark.parametrize("slash", [True, False])
def test_a_path_that_append_slash_redirects_is_no_views(slash):
    table = known(path("import/", heavy), APPEND_SLASH=slash)
    assert table.policy("/import", "GET") is NO_POLICY
