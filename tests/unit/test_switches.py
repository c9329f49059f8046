"""The switches of the chaos checker still find what they switch off."""

from pathlib import Path

import pytest

from ..chaos.faults import FAULTS
from ..chaos.probe import switches
from ..chaos.probe.switch_names import SHOWN_BY


@pytest.mark.parametrize("name", switches.SWITCHES)
def test_a_switch_changes_something(monkeypatch, name):
    changes = []

    def replace(owner, attribute, new):
        changes.append((getattr(owner, attribute), new))
        monkeypatch.setattr(owner, attribute, new)

    monkeypatch.setattr(switches, "replace", replace)
    switches.SWITCHES[name]()
    assert changes
    assert all(old is not new for old, new in changes)


def test_each_is_named_with_faults_or_tests_that_there_are():
    assert set(SHOWN_BY) == set(switches.SWITCHES)
    known = {fault.__name__ for fault in FAULTS} | {"none"}
    for shown_by in SHOWN_BY.values():
        tests = [name for name in shown_by if name.startswith("tests/")]
        assert set(shown_by) - set(tests) <= known
        assert all(Path(test).is_file() for test in tests)
