"""Translates Django's URL patterns to those that a front can match (path_patterns.py)."""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.urls import converters
from django.urls.resolvers import RegexPattern, RoutePattern

from ..path_patterns import (
    MOST_REPEATS,
    NO_END,
    Choice,
    Item,
    Level,
    Loop,
    Run,
    leading_texts,
)

# What re.compile() parses with; it has no public name.
parse = re._parser.parse  # type: ignore[attr-defined]
_ = re._constants  # type: ignore[attr-defined]
Node = tuple[Any, Any]  # of a parsed expression: its kind, and what belongs to that
_PARAMETER = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
MOST_WAYS = 16  # that one expression is written in
_CLASSES = {
    _.CATEGORY_DIGIT: r"\d",
    _.CATEGORY_NOT_DIGIT: r"\D",
    _.CATEGORY_WORD: r"\w",
    _.CATEGORY_NOT_WORD: r"\W",
    _.CATEGORY_SPACE: r"\s",
    _.CATEGORY_NOT_SPACE: r"\S",
}


class NotExpressible(Exception):
    """A front can't match this pattern for certain; the message says why.

    Args:
        reason: in words.
        wider: a level that matches all that this one does and perhaps more; empty for any text.
        complete: whether that is all of the level, and not only its beginning.
    """

    def __init__(self, reason: str, wider: Level | None = None, *, complete: bool = False):
        self.wider = wider or []
        self.complete = complete
        super().__init__(reason)


class Translated(NamedTuple):
    """One level of a pattern.

    Args:
        levels: it, or those of which any may match.
        whole: whether it must match to the path's end.
    """

    levels: list[Level]
    whole: bool


def translated(pattern: Any, *, is_view: bool) -> Translated:
    """Translate one pattern, in the language in force.

    Args:
        pattern: one of Django's, or of the project's own making.
        is_view: whether it leads to a view and not to an ``include``.

    Raises:
        NotExpressible: it can't be translated exactly.
    """
    match = getattr(type(pattern), "match", None)
    if match is RoutePattern.match:
        return Translated([_of_route(pattern)], is_view)
    if match is RegexPattern.match:
        return _of_regex(str(pattern._regex), is_view=is_view)
    raise NotExpressible(f"{type(pattern).__name__} is no pattern of Django's")


def is_translated(pattern: Any) -> bool:
    """Whether its text depends on the language in force."""
    text = getattr(pattern, "_route", getattr(pattern, "_regex", ""))
    return not isinstance(text, str)


# path().


def _of_route(pattern: Any) -> Level:
    level: Level = []
    problem, end = "", 0
    text = str(pattern._route)
    for parameter in _PARAMETER.finditer(text):
        level.append(text[end : parameter.start()])
        end = parameter.end()
        converter = pattern.converters[parameter[1]]
        level += _of_converter(converter)
        problem = problem or _own_code_of(converter)
    level = _joined([*level, text[end:]])
    if problem:
        raise NotExpressible(problem, level, complete=True)
    return level


def _of_converter(converter: Any) -> list[Item]:
    if type(converter) is converters.IntConverter:
        # It fails beyond the digits that Python is willing to read.
        return [Run("[0-9]", 1, min(sys.get_int_max_str_digits(), MOST_REPEATS))]
    return list(_items(_parsed(converter.regex)))


def _own_code_of(converter: Any) -> str:
    """Say where a converter may turn down what its expression takes."""
    kind = type(converter)
    if kind is converters.IntConverter or kind is converters.UUIDConverter:
        return ""
    if getattr(kind, "to_python", None) is converters.StringConverter.to_python:
        return ""
    return f"the converter {kind.__name__} may refuse a value by code of its own"


# re_path().


def _of_regex(regex: str, *, is_view: bool) -> Translated:
    nodes = list(_parsed(regex))
    tied = bool(nodes) and nodes[0] in (
        (_.AT, _.AT_BEGINNING),
        (_.AT, _.AT_BEGINNING_STRING),
    )
    # Django matches to the end where the expression of a view has a $ there, even an escaped one.
    whole = is_view and regex.endswith("$")
    if tied:
        nodes.pop(0)
    elif nodes and not whole:
        raise NotExpressible("its expression is not tied to the start by ^")
    ends = bool(nodes) and nodes[-1] in ((_.AT, _.AT_END), (_.AT, _.AT_END_STRING))
    if ends:
        nodes.pop()
    if ends and not is_view:
        raise NotExpressible("an include with a $ at its end")
    # What an include takes depends on which of several ways is tried first, whether a view is
    # found does not.
    ways = _ways(nodes) if is_view else [nodes]
    return Translated([_level(way) for way in ways], whole or ends)


def _level(nodes: Iterable[Node]) -> Level:
    items: list[Item] = []
    try:
        items.extend(_items(nodes))
    except NotExpressible as error:
        raise NotExpressible(str(error), _joined(items)) from error
    return _joined(items)


def _ways(nodes: Iterable[Node]) -> list[list[Node]]:
    """Write an expression with alternatives and optional groups as several without."""
    ways: list[list[Node]] = [[]]
    for node in nodes:
        ways = [[*way, *more] for way in ways for more in _ways_of(*node)]
        if len(ways) > MOST_WAYS:
            raise NotExpressible(f"its expression has more than {MOST_WAYS} alternatives")
    return ways


def _ways_of(kind: Any, value: Any) -> list[list[Node]]:
    if kind is _.SUBPATTERN and not any(value[1:3]):
        return _ways(value[3])
    if kind is _.BRANCH and not all(map(_is_text, value[1])):
        return [way for nodes in value[1] for way in _ways(nodes)]
    if kind is _.MAX_REPEAT and value[:2] == (0, 1):
        nodes = list(value[2])
        if not (_is_text(nodes) or (len(nodes) == 1 and _class_of(*nodes[0]))):
            return [*_ways(nodes), []]
    return [[(kind, value)]]


def _is_text(nodes: Iterable[Node]) -> bool:
    return all(kind is _.LITERAL for kind, _value in nodes)


def _parsed(regex: str) -> Iterable[Node]:
    parsed = parse(regex)
    if parsed.state.flags & ~re.UNICODE:
        raise NotExpressible("its expression has flags")
    nodes: Iterable[Node] = parsed
    return nodes


def _items(nodes: Iterable[Node]) -> Iterator[Item]:
    for kind, value in nodes:
        single = _class_of(kind, value)
        if kind is _.LITERAL:
            yield chr(value)
        elif single:
            yield Run(single, 1, 1)
        elif kind is _.SUBPATTERN:
            yield from _of_group(*value)
        elif kind is _.BRANCH:
            yield Choice([_text(nodes) for nodes in value[1]])
        elif kind is _.MAX_REPEAT:
            yield from _of_repeat(*value)
        else:
            raise NotExpressible(f"its expression has {_words(kind)}")


def _of_group(number: int | None, add: int, remove: int, nodes: Iterable[Node]) -> Iterator[Item]:
    if add or remove:
        raise NotExpressible("its expression has flags")
    return _items(nodes)


def _of_repeat(least: int, most: int, nodes: Any) -> Iterator[Item]:
    nodes = list(nodes)
    while len(nodes) == 1 and nodes[0][0] is _.SUBPATTERN and not any(nodes[0][1][1:3]):
        nodes = list(nodes[0][1][3])
    endless = most is _.MAXREPEAT
    single = _class_of(*nodes[0]) if len(nodes) == 1 else ""
    if single and most != 0:
        yield Run(single, least, NO_END if endless else most)
        return
    body = _joined(_items(nodes))
    texts = list(leading_texts(body))
    if (least, most) == (0, 1) and len(texts) == len(body):
        yield Choice(["".join(texts), ""])
        return
    repeated = [item for item in body if isinstance(item, str | Run)]
    if not endless or least > 1 or len(repeated) < len(body):
        raise NotExpressible("its expression has a group that is optional or counted")
    yield from body * least
    yield Loop(repeated)


def _text(nodes: Iterable[Node]) -> str:
    body = _joined(_items(nodes))
    texts = list(leading_texts(body))
    if len(texts) < len(body):
        raise NotExpressible("its expression has alternatives that are more than text")
    return "".join(texts)


def _class_of(kind: Any, value: Any) -> str:
    """Write a node that stands for one character as a class; empty for others."""
    if kind is _.ANY:
        return "."
    if kind is _.LITERAL:
        return f"[{_escaped(value)}]"
    if kind is _.NOT_LITERAL:
        return f"[^{_escaped(value)}]"
    return f"[{''.join(map(_member, value))}]" if kind is _.IN else ""


def _member(node: Node) -> str:
    kind, value = node
    if kind is _.NEGATE:
        return "^"
    if kind is _.LITERAL:
        return _escaped(value)
    if kind is _.RANGE:
        return f"{_escaped(value[0])}-{_escaped(value[1])}"
    return _CLASSES[value]


def _escaped(code: int) -> str:
    character = chr(code)
    plain = character.isalnum() or character == "_" or not character.isascii()
    return character if plain else f"\\{character}"


def _joined(items: Iterable[Item]) -> Level:
    """Join neighbouring texts."""
    level: Level = []
    for item in items:
        if isinstance(item, str) and level and isinstance(level[-1], str):
            level[-1] += item
        elif item != "":
            level.append(item)
    return level


def _words(kind: Any) -> str:
    known = {_.AT: "an anchor in the middle", _.MIN_REPEAT: "a lazy part"}
    return known.get(kind, str(kind).lower().replace("_", " "))
