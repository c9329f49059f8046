"""The switches of the chaos checker still find what they switch off."""

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


def test_each_is_named_with_faults_that_there_are():
    assert list(SHOWN_BY) == list(switches.SWITCHES)
    known = {fault.__name__ for fault in FAULTS} | {"none"}
    assert {fault for faults in SHOWN_BY.values() for fault in faults} <= known
