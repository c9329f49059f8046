"""The names that a project may count on: stated in the package, in the docs, and there."""

import importlib
import re
from pathlib import Path

import queueproxy

PAGE = Path(__file__).parents[2] / "docs/reference/public.md"


def stated() -> dict[str, list[str]]:
    """Names by module, as the package's docstring has them."""
    lines = re.findall(r"^`(queueproxy[\w.]+)` +(.+)$", queueproxy.__doc__, re.MULTILINE)
    return {module: names.split(", ") for module, names in lines}


def test_each_is_there_and_says_what_it_is():
    assert len(stated()) == 5
    for module, names in stated().items():
        found = importlib.import_module(module)
        assert found.__doc__
        for name in names:
            assert getattr(found, name).__doc__, f"{module}.{name}"


def test_a_module_states_its_own():
    for module, names in stated().items():
        assert sorted(importlib.import_module(module).__all__) == sorted(names), module


def test_the_page_has_the_same():
    rows = re.findall(r"^\| `(queueproxy[\w.]+)` \| (`.+?) \|", PAGE.read_text(), re.MULTILINE)
    assert {module: re.findall(r"`(\w+)`", names) for module, names in rows} == stated()
