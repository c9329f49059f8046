"""The primary killed under load; Sentinels make its replica primary, which may have missed some."""

import pytest

from ..kit.sentinels import Sentinels
from .crowd import Crowd
from .fault_site import ROUNDS, FaultSite
from .test_broker import under_way

FEW = max(1, ROUNDS // 10)  # rounds of what costs five servers each


@pytest.fixture
def watched():
    watched = Sentinels(3, down_after=1000)
    try:
        yield watched.start()
    finally:
        watched.stop()


@pytest.fixture
def site(tmp_path, watched):
    site = FaultSite(tmp_path, watched, MAX_HOLD=100, LEASE=5)
    site.environ["DJANGO_SETTINGS_MODULE"] = "tests.faults.sentinel_settings"
    site.environ["FAULT_SENTINELS"] = watched.as_setting
    site.environ["QUEUEPROXY_BROKER_URL"] = ""
    yield site
    site.stop()


@pytest.mark.parametrize("round_", range(FEW))
def test_failover(site, watched, round_):
    site.front()
    site.workers("--processes", "2", "--threads", "2")
    crowd = under_way(site, 300)
    watched.kill_primary()
    crowd.check()
    assert {answer.status for answer in Crowd(site, 20, "after").check()} == {200}
