"""How long it is kept what has happened: purging, and dead letters that are replayed."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from queueproxy.broker.operate.replay import CannotReplay, replay
from queueproxy.exactly_once.purge import purge
from queueproxy.models import Execution
from queueproxy.worker.purging import Purging

from ...brokers import QUEUES, SECRETS
from ...kit.waiting import wait_until
from .asking import ATTEMPTS, post
from .databases import ALIAS

DAY = 86_400.0


def keep(*hours: float) -> None:
    """Make rows that are so many hours old."""
    for number, age in enumerate(hours):
        created = timezone.now() - timedelta(hours=age)
        Execution.objects.using(ALIAS).create(
            key=f"k{number}", request=f"k{number}", created=created, status=200
        )


def test_what_is_too_old_is_deleted_step_by_step(database, monkeypatch):
    monkeypatch.setattr("queueproxy.exactly_once.purge.AT_ONCE", 2)
    keep(1, 23, 25, 26, 27)
    assert list(purge(ALIAS, DAY)) == [2, 1]
    assert [request for request, _ in database.rows] == ["k0", "k1"]
    assert list(purge(ALIAS, DAY)) == []


def test_a_worker_deletes_while_it_is_idle(database, monkeypatch):
    monkeypatch.setattr("queueproxy.worker.purging.EVERY", 0.01)
    monkeypatch.setattr("queueproxy.worker.purging.LOOK_EVERY", 0.01)
    keep(25)
    idle, asked = [False], []

    def is_idle():
        asked.append(None)
        return idle[0]

    purging = Purging([ALIAS], DAY, is_idle)
    purging.start()
    try:
        wait_until(lambda: len(asked) > 3)
        assert len(database.rows) == 1
        idle[0] = True
        wait_until(lambda: not database.rows)
    finally:
        purging.end()
        purging.join(10)


def test_it_goes_on_where_the_table_is_missing(database, caplog):
    database.do("DROP TABLE queueproxy_execution")
    with caplog.at_level("INFO", "queueproxy.worker"):
        Purging([ALIAS], DAY, lambda: True).purge(ALIAS)
    assert "Old executions can't be deleted now" in caplog.text


async def lost(kit, client, *, after_commit: bool, start, state):
    """The dead letter of a request whose workers were lost, the last perhaps after the commit."""
    id = await post(client, "/effect/a/")
    for _ in range(ATTEMPTS):
        registration = kit.registration()
        assert kit.worker_broker(registration).settle_and_claim(None).id == id
        registration.leave()
    worker = start()
    if after_commit:
        again = await post(client, "/effect/a/", id=id)
        assert await client.status(again) == 200
    (letter,) = kit.control().dead_letters()
    return id, letter, worker


def again(kit, letter, kept: float = DAY):
    return replay(letter, broker=kit.broker, queues=QUEUES, secrets=SECRETS, hold=20.0, kept=kept)


@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_dead_letter_keeps_its_key(database, client, start, state, kit, after_commit):
    id, letter, _ = await lost(kit, client, after_commit=after_commit, start=start, state=state)
    assert await again(kit, letter) == 200
    assert state.runs == ["a"]
    assert database.effects == ["a"]
    assert database.rows == [(id, 200)]


async def test_a_dead_letter_whose_row_may_be_gone(database, client, start, state, kit):
    _, letter, _ = await lost(kit, client, after_commit=False, start=start, state=state)
    with pytest.raises(CannotReplay, match="not kept in the database any more"):
        await again(kit, letter, kept=60.0)
    await asyncio.sleep(0)
    assert state.runs == []
