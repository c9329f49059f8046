"""URLconfs in the shapes that projects and Django's own tests have: each path as its view says."""

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy as _

from ..urlconfs import Urlconf
from ..urlconfs.comparison import compare
from . import test_url_patterns  # noqa: F401  registers converters

LOCALE = ["django.middleware.locale.LocaleMiddleware"]
LANGUAGES = [(code, code) for code in ("en", "de", "nl", "pt-br", "zh-hans")]


def named(name: str):
    """A view of its own."""

    def view(request, *args, **kwargs): ...

    view.__name__ = view.__qualname__ = name
    return view


def numbered(*patterns):
    """Patterns, each with a view and a name of its own."""
    return [
        one if not isinstance(one, str) else path(one, named(f"v{n}"), name=f"n{n}")
        for n, one in enumerate(patterns)
    ]


def regexes(*patterns):
    return [re_path(one, named(f"r{n}"), name=f"e{n}") for n, one in enumerate(patterns)]


NESTED = [
    path("normal/<int:a>/<slug:b>/", named("normal"), name="normal"),
    path("+\\$*/", named("special"), name="special"),
    re_path(r"^view/(?P<arg>[0-9]+)/$", named("regex"), name="regex"),
]
REVERSE = [
    *regexes(
        r"^places/([0-9]+)/$",
        r"^places?/$",
        r"^places+/$",
        r"^places*/$",
        r"^(?:places/)?$",
        r"^places/([0-9]+)/[a-z_]+/$",
        r"^(?:foo|bar)/$",
        r"^(?:foo|foobar)/$",
        r"^headlines/([0-9]+)\.([0-9]+)\.([0-9]+)/$",
        r"^extra/([a-z]+)/$",
        r"^price/\$([0-9]+)/$",
        r"^product/(?P<product>\w+)\+\(\$(?P<price>[0-9]+(\.[0-9]+)?)\)/$",
        r"^hardcoded/doc\.pdf$",
        r"^people/([a-z][a-z])/([a-z][a-z])/([0-9]+)/$",
        r"^people/(?P<name>\w+)/$",
        r"^people/(?:name|state)/(?P<x>\w\w)/(\w+)/$",
        r"^CaseInsensitive\/(?i:x)/$",
        r"^character_set/[abcdef0-9]/$",
        r"^range/[\-x-z]/$",
        r"^optional/(?P<arg1>\d+)/(?:(?P<arg2>\d+)/)?$",
        r"^windows_path/(?P<drive>[A-Z]):\\(?P<path>.+)/$",
        r"^special_chars/(.+)/$",
        r"^[^/]+/mixed/(\d+)\Z",
        r"^no_end/x",
        r"^too/(?P<a>\w*)-(?P<b>\w*)/$",
        r"^security/$",
        r"(.*)/last/$",
    ),
]
CONVERTERS = numbered(
    *("articles/2003/", "articles/<int:year>/", "articles/<int:year>/<int:month>/"),
    *("articles/<int:year>/<int:month>/<slug:slug>/", "users/<str:id>", "users/<str:id>/"),
    *("files/<path:name>/raw/", "files/<path:name>", "things/<uuid:id>/", "things/<upper:name>/"),
    *(
        "<slug:a>/<slug:b>/",
        "x-<str:a>.<str:b>/",
        "<path:all>/<path:other>/edit/",
        "<policy_year:y>/",
    ),
    *("late/<int:x>/", "<int:x>/late/", "ä/<str:x>/", "<path:all>"),
)
DRF = regexes(
    r"^users/$",
    r"^users\.(?P<format>[a-z0-9]+)/?$",
    r"^users/active/$",
    r"^users/(?P<pk>[^/.]+)/$",
    r"^users/(?P<pk>[^/.]+)\.(?P<format>[a-z0-9]+)/?$",
    r"^users/(?P<pk>[^/.]+)/set_password/$",
    r"^$",
    r"^\.(?P<format>[a-z0-9]+)/?$",
    r"^(?P<format>\.[a-z0-9]+/?)$",
)
WAGTAIL = [
    path("admin/", include((numbered("", "pages/", "pages/<int:pk>/edit/"), "wagtailadmin"))),
    path("documents/", include(regexes(r"^(\d+)/(.*)$", r"^authenticate/(\d+)/$"))),
    re_path(r"", include(regexes(r"^_util/login/$", r"^((?:[\w\-]+/)*)$"))),
]
INCLUDES = [
    path("a/", include((NESTED, "app"), namespace="one")),
    path("a/<slug:who>/", include((NESTED, "app"), namespace="two")),
    re_path(r"^included/(?P<x>[0-9]+)/", include([re_path("", include(NESTED))])),
    path("<path:deep>/", include(numbered("edit/", "x/<int:y>/"))),
    path("<slug:no_slash>", include(numbered("-end/", "/end/"))),
    path("", include(NESTED)),
]
I18N = [
    path("not-prefixed/", named("plain"), name="plain"),
    path("<slug:s>/x/", named("shadow"), name="shadow"),
    re_path(_(r"^translated/$"), named("lazy"), name="lazy"),
    *i18n_patterns(
        path("prefixed/", named("prefixed"), name="prefixed"),
        path("<slug:one>/", named("one"), name="one-slug"),
        path("account/", include((numbered("register/", "<int:pk>/"), "account"))),
        path(_("users/"), named("users"), name="users"),
        path("", named("home"), name="home"),
    ),
    path("en/late/", named("late"), name="late"),
]
UNPREFIXED = [
    *i18n_patterns(
        path("a/", named("a"), name="a"),
        path("<slug:one>/", named("one"), name="one-slug"),
        path("<slug:one>/<slug:two>/", named("two"), name="two-slugs"),
        prefix_default_language=False,
    ),
    path("<slug:x>/", named("x"), name="x"),
    path("de/late/", named("late"), name="late"),
]

SITES = {
    "nested": (NESTED, {}),
    "reverse": (REVERSE, {}),
    "converters": (CONVERTERS, {}),
    "rest framework": (DRF, {}),
    "wagtail": (WAGTAIL, {}),
    "includes": (INCLUDES, {}),
    "i18n": (I18N, {"MIDDLEWARE": LOCALE}),
    "i18n without its middleware": (I18N, {"LANGUAGE_CODE": "de"}),
    "i18n, default without prefix": (UNPREFIXED, {"MIDDLEWARE": LOCALE}),
    "i18n, default without prefix, no middleware": (UNPREFIXED, {}),
}


@pytest.mark.parametrize("share", [1, 0.4, 0.15])
@pytest.mark.parametrize("site", SITES)
def test_a_front_takes_each_path_for_the_view_that_django_finds(site, share):
    patterns, settings = SITES[site]
    urlconf = Urlconf(*patterns)
    about = {"MIDDLEWARE": [], "LANGUAGE_CODE": "en", "LANGUAGES": LANGUAGES, **settings}
    with override_settings(ROOT_URLCONF=urlconf, **about):
        found = compare(share=share, per_route=60)
    assert found.wrong == []
    assert found.counts["same"] > 20


def test_what_is_named_as_not_expressible():
    with override_settings(ROOT_URLCONF=Urlconf(*REVERSE), MIDDLEWARE=[]):
        left_out = compare().left_out
    own = {shown for shown, reason in left_out.items() if "comes before" not in reason}
    assert own == {r"/CaseInsensitive\/(?i:x)/$"}
