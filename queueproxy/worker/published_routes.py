"""Finds the project's URLs that belong to the operators' lane, in its own URLconf."""

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.files.storage import Storage, storages
from django.templatetags.static import static
from django.urls import (
    NoReverseMatch,
    Resolver404,
    get_resolver,
    get_script_prefix,
    resolve,
    reverse,
)
from django.utils import translation

from ..route_table import ID, MOST_PATHS, RouteTable

logger = logging.getLogger("queueproxy.worker")

_A_LETTER = "1-1"  # an id that the pattern of a dead letter's page takes
# By their names in `queueproxy.admin`.
_PAGES = (
    *("changelist", "data", "routes", "clients", "request", "pause", "resume", "withdraw"),
    *("release", "activate", "rollback"),
    *("waiting", "withdraw_all", "letters", "replay_all", "discard_all"),
)
_LETTER_PAGES = ("dead", "replay", "discard")
_EXPORTS = tuple(itertools.product(("waiting", "letters"), ("csv", "json")))
# What the page and the login need to look and work as they should.
_FILES = (
    *("admin/css/base.css", "admin/css/dark_mode.css", "admin/css/login.css"),
    *("admin/css/nav_sidebar.css", "admin/css/responsive.css", "admin/css/rtl.css"),
    *("admin/css/responsive_rtl.css", "admin/js/theme.js", "admin/js/nav_sidebar.js"),
    # Of messages and of the list of models: a browser loads the page until it has them.
    *("admin/img/icon-yes.svg", "admin/img/icon-alert.svg", "admin/img/icon-no.svg"),
    *("admin/img/icon-addlink.svg", "admin/img/icon-changelink.svg"),
    *("admin/img/icon-viewlink.svg", "admin/img/icon-hidelink.svg"),
    *("admin/img/icon-deletelink.svg", "admin/img/sorting-icons.svg"),
    *("admin/img/tooltag-add.svg", "admin/img/tooltag-arrowright.svg"),
    *("queueproxy/design.css", "queueproxy/dashboard.css", "queueproxy/dashboard.js"),
    *("queueproxy/charts.js", "queueproxy/forms.js", "queueproxy/morph.js"),
    *("queueproxy/route_charts.js", "queueproxy/times.js", "queueproxy/place.js"),
    *("queueproxy/vendor/uPlot.iife.min.js", "queueproxy/vendor/uPlot.min.css"),
)


def route_table(release: str) -> RouteTable:
    """Make the table that a worker of this release publishes: of MOST_PATHS the most important."""
    own = list(_pages_and_logins())
    if not own:
        return RouteTable(release)  # nothing to operate
    paths = {*map(_published, own), *_static_paths()}
    for page in _in_other_languages(own):
        if len(paths) >= MOST_PATHS:
            logger.warning("In some languages the page about the queue waits in a pause.")
            break
        paths.add(_published(page))
    return RouteTable(release, sorted(paths))


class _Page(NamedTuple):
    """A view by its name in the URLconf (``admin:login``), and its path."""

    view_name: str
    path: str


def _published(page: _Page) -> str:
    return page.path.replace(f"/{_A_LETTER}/", f"/{ID}/")


def _pages_and_logins() -> Iterator[_Page]:
    """Find the page in every admin site that has it, and the way to log in there."""
    with translation.override(settings.LANGUAGE_CODE):
        for namespace in get_resolver().app_dict.get("admin", ()):
            for page in _pages_of_site(namespace):
                if _leads_to(page):
                    yield page


def _pages_of_site(namespace: str) -> Iterator[_Page]:
    name = f"{namespace}:queueproxy_queue_"
    try:
        for page in _PAGES:
            yield _Page(name + page, _in_site(reverse(name + page)))
        for page in _LETTER_PAGES:
            yield _Page(name + page, _in_site(reverse(name + page, args=[_A_LETTER])))
        for export in _EXPORTS:
            yield _Page(name + "export", _in_site(reverse(name + "export", args=export)))
        yield _Page(f"{namespace}:login", _in_site(reverse(f"{namespace}:login")))
    except NoReverseMatch:
        return  # a site without the page


def _in_other_languages(pages: list[_Page]) -> Iterator[_Page]:
    """Find the same pages where URLs begin with the language.

    The paths are made by hand: to have Django reverse them in another language makes it keep all
    of the URLconf once more, and takes as long as to read it.
    """
    prefixed, default_too = is_language_prefix_patterns_used(settings.ROOT_URLCONF)
    own = f"/{settings.LANGUAGE_CODE}/" if default_too else "/"
    for code, _ in settings.LANGUAGES if prefixed else ():
        with translation.override(code):
            for page in pages:
                there = page._replace(path=f"/{code}/{page.path.removeprefix(own)}")
                if page.path.startswith(own) and _leads_to(there):
                    yield there


def _leads_to(page: _Page) -> bool:
    """Whether this is the view that the path leads to, in the language in force."""
    try:
        return resolve(unquote(page.path)).view_name == page.view_name
    except Resolver404:
        return False


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
    """Make a URL as the template tag ``static`` does, by a storage of its own."""
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
