"""Django's patterns, translated for fronts or named as not expressible."""

import re

import pytest
from django.urls import converters, path, re_path, register_converter
from django.urls.resolvers import RegexPattern

from queueproxy.path_patterns import Choice, Loop, Run, expression, flaw
from queueproxy.worker.url_patterns import NotExpressible, translated


class Upper(converters.StringConverter):
    regex = "[A-Z]+"


class Year:
    regex = "[0-9]{4}"

    def to_python(self, value):
        return int(value)

    def to_url(self, value):
        return str(value)


register_converter(Upper, "upper")
register_converter(Year, "policy_year")


def view(request): ...


def of(pattern, *, is_view: bool = True):
    return translated(pattern.pattern, is_view=is_view)


@pytest.mark.parametrize(
    ("route", "level"),
    [
        ("a/b/", ["a/b/"]),
        ("", []),
        ("<int:pk>/", [Run("[0-9]", 1, 4300), "/"]),
        ("a/<pk>", ["a/", Run(r"[^\/]")]),
        ("<slug:one>-<path:two>", [Run(r"[\-a-zA-Z0-9_]"), "-", Run(".")]),
        ("<upper:name>.txt", [Run("[A-Z]"), ".txt"]),
        ("ä(b)+/", ["ä(b)+/"]),
    ],
)
def test_paths(route, level):
    assert of(path(route, view)) == ([level], True)


def test_a_uuid():
    (level,), _ = of(path("<uuid:id>/", view))
    match = re.compile(expression([level], whole=True)).match
    assert match("0190b7f2-8a5c-7e3d-9f00-0123456789ab/")
    assert not match("0190B7F2-8a5c-7e3d-9f00-0123456789ab/")


def test_a_converter_with_code_of_its_own():
    with pytest.raises(NotExpressible, match="Year may refuse") as raised:
        of(path("a/<policy_year:year>/", view))
    assert raised.value.wider == ["a/", Run("[0-9]", 4, 4), "/"]


@pytest.mark.parametrize(
    ("regex", "level", "whole"),
    [
        (r"^users/$", ["users/"], True),
        (r"\Ausers/\Z", ["users/"], True),
        (
            r"^users\.(?P<format>[a-z0-9]+)/?$",
            ["users.", Run("[a-z0-9]"), Run(r"[\/]", 0, 1)],
            True,
        ),
        (r"^users/(?P<pk>[^/.]+)/$", ["users/", Run(r"[^\/\.]"), "/"], True),
        (r"^a/(\d{4})/(?:x)", ["a/", Run(r"[\d]", 4, 4), "/x"], False),
        (r"^((?:[\w\-]+/)*)$", [Loop([Run(r"[\w\-]"), "/"])], True),
        (r"^(?:[a-z]+/)+$", [Run("[a-z]"), "/", Loop([Run("[a-z]"), "/"])], True),
        (r"^(?P<app>auth|things)/$", [Choice(["auth", "things"]), "/"], True),
        (r"^(?:page/)?$", [Choice(["page/", ""])], True),
        (r"(?P<url>.*)$", [Run(".", 0)], True),  # to the end, so from the start
        (r"^a.b$", ["a", Run(".", 1, 1), "b"], True),
        (r"^[^a]$", [Run("[^a]", 1, 1)], True),
        (r"^[]\w^-]+$", [Run(r"[\]\w\^\-]")], True),
        (r"", [], False),
        (r"^$", [], True),
    ],
)
def test_expressions(regex, level, whole):
    assert of(re_path(regex, view)) == ([level], whole)
    assert flaw([level], whole=whole) == ""


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        (r"users/", "not tied to the start"),
        (r"^(?i:a)$", "flags"),
        (r"(?i)^a$", "flags"),
        (r"^(a)\1$", "groupref"),
        (r"^a(?=b)", "assert"),
        (r"^a(?!b)", "assert not"),
        (r"^a.*?b$", "a lazy part"),
        (r"^a$b", "an anchor in the middle"),
        (r"^a\bb", "an anchor in the middle"),
        (r"^(?:a\d){0,2}$", "optional or counted"),
        (r"^(?:a\d){2}$", "optional or counted"),
        (r"^(?:a\d|b){9}", "more than text"),
        (r"^(a\d|b)(a\d|b)(a\d|b)(a\d|b)(a\d|b)$", "more than 16 alternatives"),
    ],
)
def test_expressions_that_are_not_expressible(regex, reason):
    with pytest.raises(NotExpressible, match=reason):
        of(re_path(regex, view))


def test_alternatives_and_optional_groups_are_patterns_of_their_own():
    digit = Run(r"[\d]", 1, 1)
    assert of(re_path(r"^(?:a|b\d)/(?:x\d)?$", view)).levels == [
        *(["a/x", digit], ["a/"], ["b", digit, "/x", digit], ["b", digit, "/"])
    ]
    with pytest.raises(NotExpressible, match="more than text"):
        translated(RegexPattern(r"^(?:a|b\d)/"), is_view=False)


def test_an_include_that_ends():
    with pytest.raises(NotExpressible, match="an include with"):
        translated(RegexPattern("^a/$"), is_view=False)


def test_a_pattern_of_another_kind():
    class Own(RegexPattern):
        def match(self, path): ...

    with pytest.raises(NotExpressible, match="Own is no pattern of Django's"):
        translated(Own("^a/$"), is_view=True)
