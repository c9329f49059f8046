"""Patterns that fronts match: as Django would, in one reading."""

import random
import re
import time

import pytest

from queueproxy.path_patterns import Choice, Loop, Run, characters, expression, flaw
from queueproxy.path_segments import segments

ANY = Run(".")
STR = Run(r"[^\/]")
INT = Run("[0-9]", 1, 4300)
SLUG = Run(r"[\-a-zA-Z0-9_]")


def matches(levels, text: str, *, whole: bool = True) -> bool:
    return re.match(expression(levels, whole=whole), text) is not None


@pytest.mark.parametrize(
    ("level", "inside", "outside"),
    [
        (["a/", STR, "/"], ["a/x/", "a/\n/"], ["a//", "a/x", "a/x/y/", "b/x/", "a/x/\n"]),
        (["a/", INT, "/"], ["a/0/", "a/007/"], ["a//", "a/٣/", "a/1x/", f"a/{'1' * 4301}/"]),
        (["a/", ANY], ["a/x/y", "a/ "], ["a/", "a/x\n"]),
        ([ANY, "/edit/"], ["x/edit/", "/edit/edit/", "x//edit/"], ["/edit/", "edit/", "x/edit"]),
        ([ANY, "/", ANY, "/"], ["a/b/", "//b/", "a//b/", "////"], ["a/", "a//", "//", "a/b"]),
        ([STR, ".", STR], ["a.b", "a.b.c", "..b"], [".b", "a.", "ab", "a/b.c"]),
        ([Run(r"[\w\-]", 0), "_", INT, "/"], ["_1/", "a_b_1/", "1_1/"], ["1/", "a_/", "_1"]),
        ([STR, "-", INT, "/"], ["a-1/", "a-b-1/", "--1/"], ["-1/", "a-1-/", "a-/"]),
        ([Loop([SLUG, "/"])], ["", "a/", "a/b-c/"], ["/", "a", "a//", "a/b"]),
        ([Choice(["auth", "authtoken", "é"]), "/"], ["auth/", "authtoken/", "é/"], ["/", "autho/"]),
        (["a", Choice(["", "/"])], ["a", "a/"], ["a//", "", "/"]),
        (["a/", Run("[0-9]", 4, 4)], ["a/2026"], ["a/202", "a/20261", "a/202x"]),
    ],
    ids=str,
)
def test_what_a_level_matches(level, inside, outside):
    assert flaw([level], whole=True) == ""
    assert [text for text in inside if not matches([level], text)] == []
    assert [text for text in outside if matches([level], text)] == []


def test_a_level_that_has_matched_is_not_tried_again():
    """As Django does: an include takes all it can, and what is in it has to match the rest."""
    levels = [[ANY, "/"], ["edit/"]]
    assert flaw(levels, whole=True) == ""
    assert not matches(levels, "a/edit/")
    assert matches([[STR, "/"], ["edit/"]], "a/edit/")


def test_to_the_end_or_not():
    assert matches([["a/"]], "a/b", whole=False)
    assert not matches([["a/"]], "a/b")


@pytest.mark.parametrize(
    "level",
    [
        [SLUG, "-", SLUG],
        [ANY, "/x/", ANY],
        [STR, INT],
        [SLUG, "-", SLUG, "-", INT],
        [Loop([SLUG])],
        [Loop([Run("[a]", 0)])],
        [Loop([SLUG, "/"]), SLUG],
        [Choice(["a", "ab"]), "b"],
        [Run("[a]"), Run("[a]"), Run("[a]"), "b"],
    ],
    ids=str,
)
def test_what_might_be_read_again_and_again_is_refused(level):
    assert flaw([level], whole=True)


@pytest.mark.parametrize(
    "chars",
    ["", "a", "[", "[]", "[a", "(a)", "[a]+", "a|b", "[^]", "[[:alpha:]]", "[z-a]", ".*", "[\\Z]"],
)
def test_what_is_no_class(chars):
    with pytest.raises(ValueError, match="Not a class"):
        characters(chars)


def test_classes_as_sets():
    assert characters("[a]") == 1 << ord("a")
    assert not characters(".") & characters("[\\\n]")
    assert characters(r"[\w]") & characters("[é]")
    assert not characters(r"[0-9]") & characters("[é]")
    assert characters(r"[^\/]") & characters(".") & 1 << ord("a")


@pytest.mark.parametrize(
    ("levels", "whole", "expected"),
    [
        ([["a/", INT, "/"]], True, (["a", None, ""], True)),
        ([["a/"], ["b/c"]], True, (["a", "b", "c"], True)),
        ([["a"], ["b/", STR, "x/"]], True, (["ab", None, ""], True)),
        ([["a/", ANY]], True, (["a"], False)),
        ([["a/b"]], False, (["a"], False)),
        ([[""]], True, ([""], True)),
        ([["a/", Loop([SLUG, "/"])]], True, (["a"], False)),
        ([["a/x", Choice(["y", "z"]), "/"]], True, (["a", None, ""], True)),
        ([["a/x", Choice(["", "/"])]], True, (["a"], False)),
    ],
)
def test_segments(levels, whole, expected):
    assert segments(levels, whole=whole) == expected


# Against what Django does with the plain expression.

PIECES = ["a", "/", "-", "a/", "-a", "1", ANY, STR, INT, SLUG]
PIECES += [
    Run(".", 0),
    Run(r"[\w\-]", 0),
    Run("[a]", 0, 1),
    Run("[1a]", 1, 2),
    Loop([SLUG, "/"]),
    Choice(["a", "a-", ""]),
]


def plain(item) -> str:
    if isinstance(item, str):
        return re.escape(item)
    if isinstance(item, Choice):
        return f"(?:{'|'.join(map(re.escape, item.texts))})"
    if isinstance(item, Loop):
        return f"(?:{''.join(map(plain, item.items))})*"
    return f"{item.chars}{{{item.least},{item.most or ''}}}"


def djangos(levels, text: str) -> bool:
    *outer, last = levels
    for level in outer:
        match = re.search("^" + "".join(map(plain, level)), text)
        if match is None:
            return False
        text = text[match.end() :]
    return re.search("^" + "".join(map(plain, last)) + r"\Z", text) is not None


def test_against_plain_expressions():
    random_one = random.Random(16)
    accepted = 0
    for _ in range(4000):
        sizes = random_one.choices(range(1, 5), k=random_one.randint(1, 2))
        levels = [random_one.choices(PIECES, k=size) for size in sizes]
        if flaw(levels, whole=True):
            continue
        accepted += 1
        match = re.compile(expression(levels, whole=True)).match
        names, exact = segments(levels, whole=True)
        for _ in range(60):
            text = "".join(random_one.choices("aa//-1é\n", k=random_one.randint(0, 8)))
            assert (match(text) is not None) == djangos(levels, text), (levels, text)
            if match(text):
                parts = text.split("/")
                assert len(parts) == len(names) if exact else len(parts) >= len(names)
                pairs = zip(names, parts, strict=False)
                assert all(name is None or name == part for name, part in pairs), (levels, text)
    assert accepted > 1000


HOSTILE = ["/x/" * 33_000 + "\n", "a/" * 50_000, "-" * 100_000, "a-1" * 33_000, "1" * 100_000]


@pytest.mark.parametrize("ending", ["", "/", "/edit/", "\n", "!"])
def test_a_hostile_path_is_read_once(ending):
    """100 KB in milliseconds; read again at each character it would take minutes."""
    random_one = random.Random(16)
    for _ in range(150):
        level = random_one.choices(PIECES, k=random_one.randint(1, 5))
        if flaw([level], whole=True):
            continue
        match = re.compile(expression([level], whole=True)).match
        for text in HOSTILE:
            began = time.thread_time()
            match(text + ending)
            assert time.thread_time() - began < 0.25, level
