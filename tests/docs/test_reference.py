"""What pages say of settings, commands, metrics and checks is what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

from queueproxy import conf

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PYTHON = sorted((ROOT / "queueproxy").rglob("*.py"))


@pytest.fixture(scope="module")
def reference():
    """The module that writes the pages."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings", "commands", "metrics"])
def test_a_page_says_what_the_code_says(reference, name):
    page, is_there, should_be = reference.renewed(name)
    assert is_there == should_be, f"{page.name} is out of date: run `make reference`"


def test_each_setting_is_explained(reference):
    page, text, _ = reference.renewed("settings")
    assert set(re.findall(r"^### `(\w+)`$", text, re.MULTILINE)) == set(conf.KEYS)
    assert reference.UNWRITTEN not in text, page.name


def test_a_setting_that_is_new_is_noticed(reference, monkeypatch):
    """So that the tests above say something."""
    one = conf.KEYS["MAX_HOLD"]
    monkeypatch.setitem(conf.KEYS, "MAX_PATIENCE", one)
    monkeypatch.setitem(reference.RULES, "MAX_PATIENCE", reference.RULES["MAX_HOLD"])
    _, is_there, should_be = reference.renewed("settings")
    assert is_there != should_be
    assert "### `MAX_PATIENCE`" in should_be
    assert reference.UNWRITTEN in should_be


def test_every_check_stands_in_the_table():
    """Each id that the code gives, and no other."""
    text = "\n".join(file.read_text() for file in PYTHON)
    given = set(re.findall(r"[\".]([EW]\d{3})\"", text))
    given |= {f"E{int(number):03}" for number in re.findall(r"\b_error\(\s*(\d+),", text)}
    table = (DOCS / "settings.md").read_text().partition("## Checks")[2]
    said = set()
    for first, last in re.findall(r"([EW]\d{3})(?:\u2013([EW]\d{3}))?(?=[^|\n]*\|)", table):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        said |= {f"{first[0]}{number:03}" for number in numbers}
    assert given == said


@pytest.mark.parametrize("name", ["QUEUEPROXY_BROKER_URL", "QUEUEPROXY_RELEASE"])
def test_what_the_environment_may_say_is_told(name):
    assert name in (DOCS / "settings.md").read_text()
