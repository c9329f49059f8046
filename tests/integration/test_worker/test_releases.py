"""What worker processes make of an activation."""

import pytest

from queueproxy.broker.operate.releases import Releases
from queueproxy.broker.own_release import OwnRelease
from queueproxy.worker.process_words import SERVING, STANDBY

from ...brokers import eventually

HOUR = 3600.0  # seconds; no heartbeat comes by itself


@pytest.mark.parametrize("at_once", [None, 4])
async def test_workers_know_of_it_at_once(kit, start_worker, at_once):
    """And not with their next heartbeat: a broker that loses its data hears of it from them."""
    old, new = (
        start_worker(lease=HOUR, release=OwnRelease(name, 1), at_once=at_once)
        for name in ("old", "new")
    )
    await eventually(lambda: {SERVING, STANDBY} & {*old.told} and {SERVING, STANDBY} & {*new.told})
    releases = Releases(kit.link())
    first = releases.activation().active
    second = {"old": "new", "new": "old"}[first]
    assert releases.activate(second, keep=60).what == "done"
    by_name = {"old": old, "new": new}
    await eventually(lambda: by_name[second].told[-1] == SERVING, "it serves")
    await eventually(lambda: by_name[first].told[-1] == STANDBY, "it stands by")

    kit.client.flushall()
    for worker in by_name.values():
        worker.worker._stop.rouse()  # as its next heartbeat would be
    await eventually(lambda: releases.activation().active == second, "it is told again")
