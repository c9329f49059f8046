"""The switches of the chaos checker still find what they switch off."""

import pytest

from queueproxy.broker import scripts
from queueproxy.broker.link import protocol
from queueproxy.front.inbox import Inbox

from ..chaos.probe.switches import SWITCHES


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_something(monkeypatch, name):
    library, frame = scripts.library(), Inbox._frame
    monkeypatch.setattr(protocol, "library", protocol.library)
    monkeypatch.setattr(Inbox, "_frame", frame)
    SWITCHES[name]()
    changed = protocol.library()
    assert changed.source != library.source or Inbox._frame is not frame
