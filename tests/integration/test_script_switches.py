"""Scripts with a safeguard off: a server takes them, beside those that have all."""

import pytest

from queueproxy.broker.scripts import Library, library

from ..chaos.probe.script_switches import NAMES, without


@pytest.mark.parametrize("name", NAMES)
def test_a_server_takes_them(broker, name):
    client = broker.client()
    client.function_load(library().source, replace=True)
    off = without(library(), name)
    assert client.function_load(off.source, replace=True) == off.name != library().name
    client.function_delete(off.name)


def test_a_function_that_the_scripts_lack_is_told():
    with pytest.raises(LookupError, match="0 functions pause"):
        without(Library("queueproxy_x", "local function paused()\nend\n"), "one_pause")
    twice = "local function pause()\nend\n" * 2
    with pytest.raises(LookupError, match="2 functions pause"):
        without(Library("queueproxy_x", twice), "one_pause")


def test_several_can_be_off_at_once(broker):
    both = without(without(library(), "fence"), "withdraw")
    assert broker.client().function_load(both.source, replace=True) == both.name
    broker.client().function_delete(both.name)
