"""Somebody upgrades the namespace under a worker that serves: it ends, and says so once."""

import pytest

from queueproxy.worker.process_words import CANNOT_START, SERVING

from ...brokers import eventually


def upgrade(kit) -> None:
    kit.client.hset(kit.keys.state, "schema", "77")
    kit.client.rpush(kit.keys.named("bell", "default"), "1")  # one thread looks at once


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("lease", [0.3, 15.0], ids=["by its heartbeat", "by a thread"])
async def test_an_idle_worker(kit, start_worker, caplog, threads, lease):
    worker = start_worker(threads=threads, lease=lease)
    await eventually(lambda: SERVING in worker.told)
    upgrade(kit)
    assert worker.ended() == CANNOT_START
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert record.getMessage().startswith("This worker ends. The broker's state has schema 77")
    assert not any(one.exc_info for one in caplog.records)


async def test_what_it_runs_comes_to_its_end(kit, client, start_worker, state, caplog):
    worker = start_worker(threads=2, lease=0.3)
    await client.ask("/run/last/?wait", "POST")
    await eventually(lambda: state.runs)
    upgrade(kit)
    await eventually(lambda: "schema 77" in caplog.text, "it has noticed")
    assert worker.is_alive()
    state.gate.set()
    assert worker.ended() == CANNOT_START
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
