"""What workers publish of their URLs: signed, bounded, matched exactly as clients send them."""

from pathlib import Path

import pytest
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.test import override_settings
from django.urls import get_resolver, include, path, set_script_prefix

import queueproxy
from queueproxy import route_table
from queueproxy.exceptions import DecodeError
from queueproxy.models import Queue
from queueproxy.policy import policy
from queueproxy.route_table import MOST_PATHS, OpsPaths, RouteTable
from queueproxy.worker import published_routes

from .test_json_text import HOSTILE

SIGNER = route_table.signer(("secret",), "site")
urlpatterns = [path("backstage/", admin.site.urls)]


class _InLanguages:
    urlpatterns = i18n_patterns(path("backstage/", admin.site.urls))


class _InOtherLanguages:
    urlpatterns = i18n_patterns(path("backstage/", admin.site.urls), prefix_default_language=False)


class _OutsideOfLanguages:
    urlpatterns = [
        path("backstage/", admin.site.urls),
        *i18n_patterns(path("<path:any>", lambda request, any: None)),
    ]


class _Shadowed:
    urlpatterns = [
        path("<path:any>", lambda request, any: None),
        path("backstage/", admin.site.urls),
    ]


class _ShadowedInLanguages:
    urlpatterns = [
        path("de/backstage/<path:any>", lambda request, any: None),
        path("zh-hans/backstage/<path:any>", lambda request, any: None),
        *i18n_patterns(path("backstage/", admin.site.urls)),
    ]


class _WithPolicy:
    urlpatterns = [path("backstage/", policy(queue="high", at_most=1)(admin.site.urls))]


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
        route_table.read(b"x" * 2_000_000, SIGNER)


def test_the_page_is_found_wherever_the_admin_is(mine):
    assert "/backstage/queueproxy/queue/" in mine.ops
    assert "/backstage/queueproxy/queue/dead/*/replay/" in mine.ops
    assert "/backstage/login/" in mine.ops
    assert mine.release == "r1"


def test_all_of_the_page_is_in_the_lane(mine):
    """Who rolls a release back must not wait behind the pause that somebody set before."""
    lane = OpsPaths(mine.ops)
    for page in admin.site._registry[Queue].get_urls():
        path = str(page.pattern).replace("<str:id>", "1700000000000-0")
        path = path.replace("<str:what>.<str:form>", "letters.csv")
        assert f"/backstage/queueproxy/queue/{path}" in lane
    own = Path(queueproxy.__file__).parent / "static"
    for file in own.rglob("*"):
        if file.suffix in (".js", ".css"):
            assert f"/static/{file.relative_to(own)}" in lane


def test_a_policy_around_the_admin_hides_nothing(mine):
    with override_settings(ROOT_URLCONF=_WithPolicy):
        assert published_routes.route_table("r1") == mine


def test_the_place_the_site_is_mounted_at_is_left_out():
    set_script_prefix("/app/")  # as FORCE_SCRIPT_NAME has it
    try:
        with override_settings(ROOT_URLCONF=__name__, STATIC_URL="static/"):
            ops = published_routes.route_table("r1").ops
    finally:
        set_script_prefix("/")
    assert "/backstage/queueproxy/queue/" in ops
    assert "/static/queueproxy/dashboard.js" in ops
    assert not any(path.startswith("/app/") for path in ops)


def test_what_django_finds_out_by_the_first_request_is_left_to_it():
    """A relative STATIC_URL is completed once, by the place that request tells."""
    with override_settings(ROOT_URLCONF=__name__, STATIC_URL="static/"):
        vars(settings).pop("STATIC_URL", None)
        assert "/static/queueproxy/dashboard.js" in published_routes.route_table("r1").ops
        set_script_prefix("/app/")
        try:
            assert settings.STATIC_URL == "/app/static/"
        finally:
            set_script_prefix("/")
            vars(settings).pop("STATIC_URL", None)


@pytest.mark.parametrize(
    ("urlconf", "expected"),
    [
        ("_InLanguages", {"/tr", "/de", "/zh-hans"}),
        ("_InOtherLanguages", {"", "/de", "/zh-hans"}),
        ("_OutsideOfLanguages", {""}),
        ("_Shadowed", set()),
        ("_ShadowedInLanguages", {"/tr"}),
    ],
)
def test_only_what_leads_to_the_page_in_a_language(urlconf, expected):
    languages = [("de", "German"), ("tr", "Turkish"), ("zh-hans", "Chinese")]
    about = {"LANGUAGE_CODE": "tr", "LANGUAGES": languages}
    with override_settings(ROOT_URLCONF=globals()[urlconf], **about):
        ops = published_routes.route_table("r1").ops
    for page in ("/backstage/queueproxy/queue/dead/*/", "/backstage/login/"):
        assert {path.removesuffix(page) for path in ops if path.endswith(page)} == expected


def test_languages_beyond_the_bound_are_left_out(monkeypatch, caplog):
    monkeypatch.setattr(published_routes, "MOST_PATHS", 60)
    languages = [("de", "German"), ("fr", "French"), ("tr", "Turkish")]
    about = {"LANGUAGE_CODE": "tr", "LANGUAGES": languages}
    with override_settings(ROOT_URLCONF=_InLanguages, **about):
        ops = published_routes.route_table("r1").ops
    assert len(ops) == 60
    assert "/tr/backstage/login/" in ops
    assert "/static/queueproxy/dashboard.js" in ops
    assert "In some languages" in caplog.text


def test_no_language_but_the_sites_own_is_reversed_in():
    """Django would keep all of the URLconf once more for each."""
    languages = [("de", "German"), ("tr", "Turkish")]
    about = {"LANGUAGE_CODE": "tr", "LANGUAGES": languages}
    with override_settings(ROOT_URLCONF=_InLanguages, **about):
        published_routes.route_table("r1")
        assert set(get_resolver()._reverse_dict) == {"tr"}


@pytest.mark.parametrize(
    ("raw", "root", "expected"),
    [
        ("/a/", "", "/a/"),
        ("/app/a/", "/app", "/a/"),
        ("/app/a/", "/app/", "/a/"),
        ("/a/", "/app", "/a/"),
        ("/app", "/app", "/app"),
        ("/apple/", "/app", "/apple/"),
        ("/app/app/a/", "/app", "/app/a/"),
        ("/%C3%A4/a/", "/ä", "/a/"),
        ("/%61pp/a/", "/app", "/%61pp/a/"),
        ("/a/", "/", "/a/"),
    ],
)
def test_the_path_in_the_site(raw, root, expected):
    assert route_table.path_in_site(raw, root) == expected


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
        "/static/admin/img/icon-yes.svg",
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
