"""Finds the project's URLs that belong to the operators' lane, in its own URLconf."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.files.storage import Storage, storages
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_resolver, get_script_prefix, reverse
from django.utils import translation

from ..route_table import ID, RouteTable

MOST_LANGUAGES = 30  # each costs a walk through the whole URLconf
_A_LETTER = "1-1"  # an id that the pattern of a dead letter's page takes
_PAGES = ("changelist", "data", "pause", "resume", "withdraw")
_LETTER_PAGES = ("dead", "replay", "discard")
# What the page and the login need to look and work as they should.
_FILES = (
    *("admin/css/base.css", "admin/css/dark_mode.css", "admin/css/login.css"),
    *("admin/css/nav_sidebar.css", "admin/css/responsive.css", "admin/css/rtl.css"),
    *("admin/css/responsive_rtl.css", "admin/js/theme.js", "admin/js/nav_sidebar.js"),
    *("queueproxy/dashboard.css", "queueproxy/dashboard.js", "queueproxy/charts.js"),
    *("queueproxy/forms.js", "queueproxy/morph.js"),
    *("queueproxy/vendor/uPlot.iife.min.js", "queueproxy/vendor/uPlot.min.css"),
)


def route_table(release: str) -> RouteTable:
    """The table that a worker of this release publishes."""
    paths = sorted({*_admin_paths(), *_static_paths()})
    return RouteTable(release, paths if any(_is_page(path) for path in paths) else [])


def _is_page(path: str) -> bool:
    return ID in path.split("/")


def _admin_paths() -> Iterator[str]:
    """The page in every admin site and language that has it, and the way to log in there."""
    for language in _languages():
        with translation.override(language):
            for namespace in get_resolver().app_dict.get("admin", ()):
                yield from _paths_of_site(namespace)


def _languages() -> list[str]:
    """The languages that stand in URLs, else the one in force."""
    prefixed, _ = is_language_prefix_patterns_used(settings.ROOT_URLCONF)
    if not prefixed:
        return [translation.get_language() or settings.LANGUAGE_CODE]
    others = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    return [settings.LANGUAGE_CODE, *others][:MOST_LANGUAGES]


def _paths_of_site(namespace: str) -> Iterator[str]:
    name = f"{namespace}:queueproxy_queue_"
    try:
        for page in _PAGES:
            yield _in_site(reverse(name + page))
        for page in _LETTER_PAGES:
            url = _in_site(reverse(name + page, args=[_A_LETTER]))
            yield url.replace(f"/{_A_LETTER}/", f"/{ID}/")
        yield _in_site(reverse(f"{namespace}:login"))
    except NoReverseMatch:
        return  # a site without the page


def _static_paths() -> Iterator[str]:
    with _static_url_as_it_was():
        for name in _FILES:
            try:
                url = _static_url(name)
            except (ValueError, OSError):
                continue  # not in the manifest: the page is served without it
            if url.startswith("/"):
                yield _in_site(url)


def _static_url(name: str) -> str:
    """As the template tag ``static`` has it, by a storage of its own."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return static(name)
    return _static_storage().url(name)


@contextmanager
def _static_url_as_it_was() -> Iterator[None]:
    """Let Django find out later what STATIC_URL is, where it has not yet.

    It adds the place the site is mounted at to a relative one, when it is first asked, and keeps
    that: the first request knows the place, and nobody knows it before.
    """
    known = "STATIC_URL" in vars(settings)
    _static_storage.cache_clear()
    try:
        yield
    finally:
        _static_storage.cache_clear()
        if not known:
            vars(settings).pop("STATIC_URL", None)


@cache
def _static_storage() -> Storage:
    return storages.create_storage(settings.STORAGES[STATICFILES_STORAGE_ALIAS])


def _in_site(url: str) -> str:
    """Without the place the site is mounted at, as far as FORCE_SCRIPT_NAME tells it."""
    place = get_script_prefix()
    return url[len(place) - 1 :] if url.startswith(place) else url
