"""Walks the project's URLconf, view by view, in the order in which Django tries its patterns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.middleware.locale import LocaleMiddleware
from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern, URLPattern, URLResolver
from django.utils import translation
from django.utils.module_loading import import_string

from ..path_patterns import Level, flaw
from ..policy import Policy
from ..policy_table import ANY_LANGUAGE, Languages, Route
from .url_patterns import NotExpressible, Translated, is_translated, translated
from .view_policies import MethodPolicy, names_of, policies_of

WITHIN_ITSELF = 2  # times that a URLconf is followed where it includes itself


class ViewRoute(NamedTuple):
    """One view of the URLconf.

    Args:
        shown: its pattern, for people.
        name: of the view, for people.
        names: in ``POLICIES``.
        policies: what is said of it.
        routes: what a front matches, without policies; more than one where it depends on the
            language. Where there is a `reason`, they take in its paths and perhaps more.
        reason: why a front can't match it; empty where it can.
        callback: what is called; None for a URLconf that is not followed.
    """

    shown: str
    name: str
    names: tuple[str, ...]
    policies: list[MethodPolicy]
    routes: list[Route]
    reason: str
    callback: Callable[..., Any] | None = None


def view_routes(by_name: Mapping[str, Policy]) -> Iterator[ViewRoute]:
    """Walk the URLconf.

    Args:
        by_name: the setting ``POLICIES``.
    """
    languages = languages_of_site()
    yield from _walk([get_resolver()], by_name, languages)


def languages_of_site() -> Languages:
    """Find out how the site's paths tell the language."""
    _, prefix_default = is_language_prefix_patterns_used(settings.ROOT_URLCONF)
    codes = [code.lower() for code, _ in settings.LANGUAGES if translation.check_for_language(code)]
    fallbacks = {code: info["fallback"] for code, info in LANG_INFO.items() if "fallback" in info}
    return Languages(
        codes=codes,
        default=settings.LANGUAGE_CODE,
        prefix_default=prefix_default,
        fallbacks=fallbacks,
        fixed=not (settings.USE_I18N and any(map(_sets_language, settings.MIDDLEWARE))),
    )


def _sets_language(dotted: str) -> bool:
    middleware = import_string(dotted)
    return isinstance(middleware, type) and issubclass(middleware, LocaleMiddleware)


def _walk(
    chain: Sequence[URLResolver], by_name: Mapping[str, Policy], languages: Languages
) -> Iterator[ViewRoute]:
    for pattern in chain[-1].url_patterns:
        if isinstance(pattern, URLResolver):
            if _includes_itself(chain, pattern):
                yield _not_followed(chain, pattern, languages)
            else:
                yield from _walk([*chain, pattern], by_name, languages)
        elif isinstance(pattern, URLPattern):
            yield _view_route(chain, pattern, by_name, languages)


def _includes_itself(chain: Sequence[URLResolver], resolver: URLResolver) -> bool:
    mine = resolver.url_patterns
    return sum(one.url_patterns is mine for one in chain) >= WITHIN_ITSELF


def _not_followed(
    chain: Sequence[URLResolver], resolver: URLResolver, languages: Languages
) -> ViewRoute:
    path = [*chain[1:], resolver]
    routes, reason = _routes(path, languages)
    return ViewRoute(
        shown="/" + "".join(_shown(one.pattern) for one in path),
        name=repr(resolver.urlconf_name),
        names=(),
        policies=[],
        routes=routes,
        reason=reason or "its URLconf includes itself",
    )


def _view_route(
    chain: Sequence[URLResolver],
    pattern: URLPattern,
    by_name: Mapping[str, Policy],
    languages: Languages,
) -> ViewRoute:
    names = names_of(chain, pattern)
    patterns = [*(resolver.pattern for resolver in chain[1:]), pattern.pattern]
    routes, reason = _routes([*chain[1:], pattern], languages)
    return ViewRoute(
        shown="/" + "".join(_shown(one) for one in patterns),
        name=names[-1],
        names=names,
        policies=policies_of(chain, pattern, by_name),
        routes=routes,
        reason=reason,
        callback=pattern.callback,
    )


def _shown(pattern: Any) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/" if pattern.prefix_default_language else "[<language>/]"
    with translation.override(settings.LANGUAGE_CODE):
        return str(pattern).removeprefix("^")


def _routes(
    chain: Sequence[URLResolver | URLPattern], languages: Languages
) -> tuple[list[Route], str]:
    """Translate the patterns that lead to a view, in each language where that matters."""
    prefixed = bool(chain) and isinstance(chain[0].pattern, LocalePrefixPattern)
    inner = chain[1:] if prefixed else chain
    if not any(is_translated(one.pattern) for one in inner):
        return _in_language(inner, ANY_LANGUAGE if prefixed else "", languages.default)
    if languages.fixed:
        return _in_language(inner, languages.default if prefixed else "", languages.default)
    found = [_in_language(inner, code if prefixed else "", code) for code in languages.codes]
    routes = [route for some, _ in found for route in some]
    reason = next(filter(None, (reason for _, reason in found)), "")
    if not prefixed and any(some != found[0] for some in found):
        return routes, reason or "it is translated, and its path does not tell the language"
    return (routes if prefixed else found[0][0]), reason


def _in_language(
    chain: Sequence[URLResolver | URLPattern], scope: str, language: str
) -> tuple[list[Route], str]:
    outer: list[Level] = []
    inner: list[Level] = [[]]  # of the last one, of which any may match
    whole, reason = False, ""
    with translation.override(language):
        for one in chain:
            outer += inner
            try:
                inner, whole = _translated(one)
            except NotExpressible as error:
                reason = reason or str(error)
                inner, whole = [error.wider], error.complete and isinstance(one, URLPattern)
                if not error.complete:
                    break
    patterns = [[level for level in [*outer, last] if level] or [[]] for last in inner]
    try:
        flaws = [flaw(levels, whole=whole) for levels in patterns]
        reason = reason or next(filter(None, flaws), "")
    except ValueError as error:
        patterns, whole, reason = [[[]]], False, str(error)
    return [Route(levels, whole=whole, language=scope) for levels in patterns], reason


def _translated(one: URLResolver | URLPattern) -> Translated:
    is_view = isinstance(one, URLPattern)
    own = type(one).resolve not in (URLPattern.resolve, URLResolver.resolve)
    if own:
        raise NotExpressible(f"{type(one).__name__} finds views in a way of its own")
    return translated(one.pattern, is_view=is_view)
