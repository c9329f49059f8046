"""The scripts and keys.py speak of the same keys."""

import re
from pathlib import Path

import pytest

from queueproxy import keys
from queueproxy.broker.scripts import library
from queueproxy.keys import NAMED, PLAIN, Keys

ROOT = Path(keys.__file__).parent
SCRIPTS = {path.stem: path.read_text() for path in (ROOT / "broker/scripts").glob("*.lua")}


def kinds_in_scripts() -> tuple[set[str], set[str]]:
    """Kinds used with a name, and without."""
    source = re.sub(r"--.*", "", library().source)
    named = set(re.findall(r"key\('(\w+)',", source))
    plain = set(re.findall(r"key\('(\w+)'\)", source))
    return named, plain


def kinds_in_python() -> set[str]:
    texts = "".join(path.read_text() for path in ROOT.rglob("*.py"))
    return set(re.findall(r"\.named\(\s*\"(\w+)\"", texts))


def test_scripts_use_only_declared_kinds():
    named, plain = kinds_in_scripts()
    assert named <= set(NAMED)
    assert plain <= set(PLAIN)


def test_every_declared_kind_is_used():
    named, plain = kinds_in_scripts()
    assert set(NAMED) == named | kinds_in_python()
    assert set(PLAIN) == plain | {"state"}


def test_every_kind_is_described():
    described = set(re.findall(r"^``(\w+)", keys.__doc__, re.MULTILINE))
    assert described == set(NAMED) | set(PLAIN)


def test_every_field_of_the_state_is_described():
    """Fields the scripts count, set or read."""
    source = re.sub(r"--.*", "", library().source)
    used = set(re.findall(r"(?:add|number|value|set|clear)\('(\w+)", source))
    used |= set(re.findall(r"known\.(\w+)", source))
    state = re.search(r"``state`` hash.*?\n``", keys.__doc__, re.DOTALL).group()
    described = set(re.findall(r"``(\w+)(?::<\w+>)?``", state)) - {"state"}
    assert used <= described
    assert described - used <= {"fence", "returned", "parked"}  # named in other ways


def test_all_keys_share_one_hash_tag():
    names = Keys("site")
    plain = [getattr(names, kind) for kind in PLAIN]
    named = [names.named(kind, "x{y}") for kind in NAMED]
    assert {re.search(r"\{(.*?)\}", key).group(1) for key in plain + named} == {"site"}
    assert len(set(plain + named)) == len(PLAIN) + len(NAMED)
    assert names.state == names.prefix + "state"  # the scripts cut the prefix off it


@pytest.mark.parametrize("namespace", ["", "a{b", "a}", "a b", "a\n"])
def test_not_a_namespace(namespace):
    with pytest.raises(ValueError, match="namespace"):
        Keys(namespace)


def test_not_a_kind():
    with pytest.raises(ValueError, match="kind"):
        Keys("site").named("queues", "x")


def test_scripts_are_one_library_named_after_its_text():
    name, source = library()
    assert source.startswith(f"#!lua name={name}\n")
    files = {name for name in SCRIPTS if not name.startswith("_")}
    assert set(re.findall(r"^register\('(\w+)'", source, re.MULTILINE)) == files


@pytest.mark.parametrize("name", [name for name in SCRIPTS if not name.startswith("_")])
def test_a_script_says_what_goes_in_and_out(name):
    """Its head names the arguments as the script does, in order, and the reply."""
    head, *_ = SCRIPTS[name].partition("\n\n")
    assert head.startswith(f"-- {name}: ")
    text = " ".join(line.removeprefix("--").strip() for line in head.splitlines())
    said = re.search(r"Arguments: (.*?)\. Reply: ", text).group(1)
    (given,) = re.findall(r"^local A = arguments\((.*?)\)", SCRIPTS[name], re.MULTILINE | re.DOTALL)
    names = re.findall(r"'(\w+)'", given)
    places = [re.search(rf"\b{argument}\b", said).start() for argument in names]
    assert places == sorted(places)


def test_arguments_have_names():
    """Only where they get them, and in loops over those that have none, is ARGV read."""
    texts = {re.sub(r"--.*", "", text) for text in SCRIPTS.values()}
    assert not [found for text in texts for found in re.findall(r"ARGV\[\d+\]", text)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_short(name):
    lines = SCRIPTS[name].splitlines()
    assert len(lines) <= 300
    opening = re.compile(r"(local )?function\b|register\(.*\bfunction\b")
    starts = [at for at, line in enumerate(lines) if opening.match(line)]
    ends = [at for at, line in enumerate(lines) if line in ("end", "end)")]
    assert all(end - start < 40 for start, end in zip(starts, ends, strict=True))
