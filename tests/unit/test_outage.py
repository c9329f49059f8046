"""What a front logs of a broker that fails, once and again."""

import pytest

from queueproxy.exceptions import BrokerUnavailable
from queueproxy.front.outage import QUIET, Outage


@pytest.fixture
def outage(clock, caplog):
    caplog.set_level("INFO", "queueproxy.front")
    return Outage("Enqueueing", clock=clock)


def lines(caplog) -> list[str]:
    return [record.message.split()[1] for record in caplog.records]


def test_an_outage_is_logged_as_it_begins_and_as_it_ends(outage, caplog):
    for _ in range(3):
        outage.failed(BrokerUnavailable())
    outage.ended()
    outage.ended()
    assert lines(caplog) == ["fails", "works"]


def test_a_link_that_breaks_again_and_again_is_logged_once(outage, clock, caplog):
    for _ in range(50):
        outage.failed(BrokerUnavailable())
        outage.ended()
        clock.now += 0.1
    assert lines(caplog) == ["fails", "works"]


@pytest.mark.parametrize(("after", "logged"), [(QUIET - 0.1, 2), (QUIET, 3)])
def test_an_outage_that_lasts_is_logged_however_soon_it_comes(outage, clock, caplog, after, logged):
    outage.failed(BrokerUnavailable())
    outage.ended()
    outage.failed(BrokerUnavailable())
    clock.now += after
    outage.failed(BrokerUnavailable())
    assert len(lines(caplog)) == logged
    outage.ended()
    assert len(lines(caplog)) == (4 if logged == 3 else 2)
