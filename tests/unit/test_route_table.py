"""What workers publish of their URLs: signed, bounded, matched exactly as clients send them."""

import pytest
from django.contrib import admin
from django.test import override_settings
from django.urls import include, path

from queueproxy import route_table
from queueproxy.exceptions import DecodeError
from queueproxy.route_table import MOST_PATHS, OpsPaths, RouteTable
from queueproxy.worker import published_routes

from .test_json_text import HOSTILE

SIGNER = route_table.signer(("secret",), "site")
urlpatterns = [path("backstage/", admin.site.urls)]


class _NoAdmin:
    urlpatterns = [path("x/", include([]))]


@pytest.fixture
def mine():
    with override_settings(ROOT_URLCONF=__name__):
        yield published_routes.route_table("r1")


def test_a_table_survives_the_wire():
    table = RouteTable("r1", ["/a/", "/ä/*/"])
    assert route_table.read(route_table.encoded(table, SIGNER), SIGNER) == table


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_table_is_refused(raw):
    with pytest.raises(DecodeError):
        route_table.read(raw, SIGNER)


@pytest.mark.parametrize(
    "other",
    [route_table.signer(("another",), "site"), route_table.signer(("secret",), "another")],
    ids=["secret", "namespace"],
)
def test_a_table_signed_by_others_is_refused(other):
    with pytest.raises(DecodeError, match="signature"):
        route_table.read(route_table.encoded(RouteTable("r1", ["/a/"]), other), SIGNER)


def test_an_altered_table_is_refused():
    raw = route_table.encoded(RouteTable("r1", ["/a/"]), SIGNER)
    with pytest.raises(DecodeError, match="signature"):
        route_table.read(raw.replace(b"/a/", b"/b/"), SIGNER)


def test_the_size_is_bounded():
    paths = [f"/{n}/" for n in range(MOST_PATHS)]
    assert route_table.read(route_table.encoded(RouteTable("", paths), SIGNER), SIGNER).ops == paths
    with pytest.raises(ValueError, match="can't be published"):
        route_table.encoded(RouteTable("", [*paths, "/one/more/"]), SIGNER)
    with pytest.raises(DecodeError, match="too large"):
        route_table.read(b"x" * 1_000_000, SIGNER)


def test_the_page_is_found_wherever_the_admin_is(mine):
    assert "/backstage/queueproxy/queue/" in mine.ops
    assert "/backstage/queueproxy/queue/dead/*/replay/" in mine.ops
    assert "/backstage/login/" in mine.ops
    assert mine.release == "r1"


def test_a_site_without_the_page_publishes_none():
    with override_settings(ROOT_URLCONF=_NoAdmin):
        assert published_routes.route_table("r1").ops == []


@pytest.mark.parametrize(
    "inside",
    [
        "/backstage/queueproxy/queue/",
        "/backstage/queueproxy/queue/data/",
        "/backstage/queueproxy/queue/dead/1732-0/",
        "/backstage/queueproxy/queue/dead/1732-0/discard/",
        "/backstage/login/",
        "/static/queueproxy/dashboard.js",
    ],
)
def test_in_the_lane(mine, inside):
    assert inside in OpsPaths(mine.ops)


@pytest.mark.parametrize(
    "outside",
    [
        "/shop/queueproxy/buy",
        "/x/queueproxy/queue/",
        "/backstage/",
        "/backstage/queueproxy/queue",
        "/backstage/queueproxy/queue/x",
        "/backstage/queueproxy/queue/../../",
        "/backstage/queueproxy/queue/dead/*/",
        "/backstage/queueproxy/queue/dead/x/",
        "/backstage/queueproxy/queue/dead/1-1/2-2/",
        "/backstage/queueproxy%2Fqueue/",
        "/backstage/queueproxy/queue/%64ata/",
        "/static/admin/nope",
        "//backstage/login/",
        "/backstage/login/" + "x" * 1000,
        "",
    ],
)
def test_not_in_the_lane(mine, outside):
    assert outside not in OpsPaths(mine.ops)


def test_no_table_no_lane():
    assert "/admin/queueproxy/queue/" not in OpsPaths()
