"""URL patterns as workers publish them: a little language in which every pattern is quick to match.

A pattern is a list of levels, one for each ``include`` and one for the view. A level is matched as
Django matches it: by itself, greedily, from where the level before ended, and never tried again.
It is a list of items: literal text, a `Choice` of texts, a `Run` of characters of one class, or a
`Loop` over texts and runs. In nearly all there are, each run ends where a character comes that it
has not: then there is one way to match, and a path is read once. `flaw` says where a path might be
read again and again: nothing that stands in a table makes a front do that, however long it is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

NO_END = 0  # as the most of a run
MOST_REPEATS = 10_000


class Run(msgspec.Struct, frozen=True, array_like=True, tag="run"):
    """Some characters of one class.

    Args:
        chars: the class as a regular expression has it: ``[0-9]``, ``[^\\/]``, ``.``; see `_CLASS`.
        least, most: how many; `NO_END` for as many as there are.
    """

    chars: str
    least: int = 1
    most: int = NO_END


class Loop(msgspec.Struct, frozen=True, array_like=True, tag="loop"):
    """Items again and again, or not at all."""

    items: list[str | Run]


class Choice(msgspec.Struct, frozen=True, array_like=True, tag="choice"):
    """One of several texts."""

    texts: list[str]


Item = str | Run | Loop | Choice
Level = list[Item]

# A class: characters as they are (letters, digits, ``_``, all that is not ASCII), others behind a
# backslash; ranges of them; ``\d``, ``\w``, ``\s`` and their opposites.
_ONE = r"(?:\w|[^\x00-\x7f]|\\[^A-Za-z0-9])"
_CLASS = re.compile(rf"\.|\[\^?(?:{_ONE}(?:-{_ONE})?|\\[dwsDWS])+\]").fullmatch
_OTHERS = "é٣\u2003€日\U0001f600\udc80\ufffd"  # a letter, a digit, a space and more, none ASCII
_NOT_ASCII = 1 << 128
_END = 1 << 129


@lru_cache(maxsize=4096)
def characters(chars: str) -> int:
    """Return the characters of a class as a set of bits: 128 for ASCII, one for all the others.

    Raises:
        ValueError: it is no class.
    """
    if not _CLASS(chars):
        raise ValueError(f"Not a class of characters: {chars!r}")
    try:
        one_of = re.compile(chars).fullmatch
    except re.error as error:
        raise ValueError(f"Not a class of characters: {chars!r}") from error
    bits = sum(1 << code for code in range(128) if one_of(chr(code)))
    if not chars.isascii() or any(map(one_of, _OTHERS)):
        bits |= _NOT_ASCII
    return bits


def first_of(text: str) -> int:
    """Return the class of the first character of a text."""
    return 1 << ord(text[0]) if text[0].isascii() else _NOT_ASCII


# How the end of each item is found.

_ALL = "all it can take"  # where something else must come
_FIRST = "to where the character after it first stands"  # the run behind that takes the rest
_BACK = "all it can take, then giving back"  # until the rest of the level matches
_UNCLEAR = "unclear"


def flaw(levels: Sequence[Level], *, whole: bool) -> str:
    """Say why a pattern can't be matched in linear time for certain; empty where it can.

    Args:
        whole: whether it must match to the end of the path.

    Raises:
        ValueError: it is no pattern.
    """
    if not levels:
        raise ValueError("A pattern has a level at least.")
    for number, level in enumerate(levels):
        for item in level:
            _check(item)
        last = number == len(levels) - 1
        ways = _ways(level, _END if whole and last else 0)
        if _UNCLEAR in ways or not _gives_back_little(level, ways):
            return "it can be matched in more ways than one"
    return ""


def _check(item: Item) -> None:
    if isinstance(item, Loop):
        for part in item.items:
            _check(part)
    if isinstance(item, Run):
        characters(item.chars)
        most = MOST_REPEATS if item.most == NO_END else item.most
        if not 0 <= item.least <= most <= MOST_REPEATS:
            raise ValueError(f"Not a number of characters: {item}")


def _gives_back_little(level: Level, ways: list[str]) -> bool:
    """Whether a level is matched in linear time although a run of it gives back.

    One run may, as that of ``<str:name>-<int:number>/``. It gives back character by character; each
    time the text after it is looked at where its first character stands. All runs behind it lack
    that character, so that those looks don't overlap.
    """
    if ways.count(_BACK) != 1:
        return _BACK not in ways
    behind = level[ways.index(_BACK) + 1 :]
    text = behind[0] if behind else None
    return isinstance(text, str) and not any(_contains(one, first_of(text)) for one in behind[1:])


def _ways(items: Sequence[Item], follow: int) -> list[str]:
    """Tell how the end of each item is found.

    Args:
        follow: the characters that may come after them all; 0 where it doesn't matter.
    """
    ways: list[str] = []
    to_the_end = follow == _END
    for index in range(len(items) - 1, -1, -1):
        item = items[index]
        if isinstance(item, Run):
            clear = item.least == item.most != NO_END or not characters(item.chars) & follow
            early = to_the_end and _may_stop_early(item, *items[index + 1 : index + 3])
            way = _ALL if clear else _FIRST if early else _BACK
        else:
            way = _ALL if isinstance(item, str) or _is_clear(item, follow) else _UNCLEAR
        ways.append(way)
        follow = _first(item) | follow if _may_be_empty(item) else _first(item)
    return ways[::-1]


def _may_stop_early(run: Run, text: Item = "", rest: Item = "") -> bool:
    """Whether a run may end where a character first stands: the run after that takes the rest.

    As in ``<path:one>/<path:other>/``: if it can be matched with a later slash, so it can with the
    first.
    """
    if not isinstance(text, str) or len(text) != 1 or not isinstance(rest, Run):
        return False
    taken = characters(rest.chars)
    takes_all = rest.most == run.most == NO_END and not characters(run.chars) & ~taken
    return takes_all and bool(taken & first_of(text) and _without(run.chars, text))


def _without(chars: str, character: str) -> str:
    """Write a class less one character; empty for one that lists what is in it."""
    out = re.escape(character)
    if chars == ".":
        return rf"[^\n{out}]"
    return f"[^{out}{chars[2:]}" if chars.startswith("[^") else ""


def _is_clear(item: "Loop | Choice", follow: int) -> bool:
    if isinstance(item, Choice):
        pairs = ((one, other) for one in item.texts for other in item.texts if one != other)
        longer = [other[len(one)] for one, other in pairs if other.startswith(one)]
        return not longer or (follow != 0 and not any(first_of(one) & follow for one in longer))
    first = _first(item)
    if first & follow or all(map(_may_be_empty, item.items)):
        return False
    return all(way == _ALL for way in _ways(item.items, first | follow))


def _may_be_empty(item: Item) -> bool:
    if isinstance(item, Choice):
        return "" in item.texts
    return isinstance(item, Loop) or (isinstance(item, Run) and item.least == 0) or item == ""


def _first(item: Item) -> int:
    """Return the characters that an item may begin with."""
    if isinstance(item, str):
        return first_of(item) if item else 0
    if isinstance(item, Run):
        return characters(item.chars)
    first = 0
    for part in item.texts if isinstance(item, Choice) else item.items:
        first |= _first(part)
        if isinstance(item, Loop) and not _may_be_empty(part):
            break
    return first


def _contains(item: Item, bit: int) -> bool:
    """Whether an item that is no text may take a character."""
    if isinstance(item, str):
        return False
    if isinstance(item, Run):
        return bool(characters(item.chars) & bit)
    if isinstance(item, Choice):
        return False  # no more than there are in its texts
    return any(
        any(first_of(one) & bit for one in part) if isinstance(part, str) else _contains(part, bit)
        for part in item.items
    )


# Matching.


def expression(levels: Sequence[Level], *, whole: bool) -> str:
    """Write a pattern as a regular expression, to be matched from the start of the path."""
    *outer, last = levels
    parts = [f"(?>{_level(level, 0)})" for level in outer]
    return "".join(parts) + _level(last, _END if whole else 0) + (r"\Z" if whole else "")


def _level(level: Level, follow: int) -> str:
    written, ways = [], _ways(level, follow)
    for at, (item, way) in enumerate(zip(level, ways, strict=True)):
        if at and ways[at - 1] == _FIRST:
            continue  # written already
        rest = level[at + 1 :]
        texts = list(leading_texts(rest))
        if isinstance(item, Run) and way == _FIRST:
            most = _without(item.chars, texts[0])
            written.append(f"{item.chars}{{{item.least}}}{most}*+{re.escape(texts[0])}")
        elif isinstance(item, Run) and way == _BACK and follow == _END and len(texts) == len(rest):
            written.append(_run_to_the_end(item, "".join(texts)))
            break
        else:
            written.append(_item(item, "" if way == _BACK else "+"))
    return "".join(written)


def leading_texts(items: Iterable[Item]) -> Iterator[str]:
    """Yield the texts that stand before anything else."""
    for item in items:
        if not isinstance(item, str):
            return
        yield item


def _run_to_the_end(run: Run, text: str) -> str:
    """Write a run with the text at the end of the path, giving nothing back if possible."""
    chars = characters(run.chars)
    if run.most != NO_END or not all(chars & first_of(character) for character in text):
        return _item(run, "") + re.escape(text)
    return f"{run.chars}{{{run.least + len(text)},}}+(?<={re.escape(text)})"


def _item(item: Item, keeps: str = "+") -> str:
    """Write an item by itself.

    Args:
        keeps: ``+`` for a run that gives nothing back.
    """
    if isinstance(item, str):
        return re.escape(item)
    if isinstance(item, Choice):
        texts = sorted(item.texts, key=len, reverse=True)
        return f"(?>{'|'.join(map(re.escape, texts))})"
    if isinstance(item, Loop):
        return f"(?:{''.join(map(_item, item.items))})*+"
    most = "" if item.most == NO_END else item.most
    return f"{item.chars}{{{item.least},{most}}}{keeps}"
