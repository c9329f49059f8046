"""Idempotency-Key on exactly-once views: replay, 400, 409, 422, and whose key it is."""

import json

import pytest

from ...brokers import eventually
from .asking import post

KEY = ("Idempotency-Key", '"8e03978e-40d5-43dd-bc93-6894a57f9324"')
ALICE, BOB = (("Authorization", f"Bearer {name}") for name in ("alice", "bob"))
REPLAYED = ("Idempotent-Replayed", "true")


async def first_frame(client, id):
    (frame,) = await client.whole(id)
    return frame


async def test_a_second_request_gets_the_answer_of_the_first(database, client, start, state):
    start()
    first, second = [
        await first_frame(client, await post(client, "/effect/a/", [KEY])) for _ in range(2)
    ]
    assert REPLAYED not in first.head.headers
    assert second.head.headers == [*first.head.headers, REPLAYED]
    assert (first.head.status, second.head.status) == (200, 200)
    assert (first.body, second.body) == (b"a", b"a")
    assert state.runs == ["a"]
    assert database.effects == ["a"]


async def test_the_first_itself_is_no_replay(database, client, start, state, kit):
    """Sent again by its front, it gets its answer as it was."""
    start()
    id = await post(client, "/effect/a/", [KEY])
    first = await first_frame(client, id)
    kit.client.delete(kit.keys.named("replies", client.front_broker.front))
    await post(client, "/effect/a/", [KEY], id=id)
    assert (await first_frame(client, id)).head.headers == first.head.headers


async def test_another_request_with_the_same_key(database, client, start, state):
    start()
    assert await client.status(await post(client, "/effect/a/", [KEY])) == 200
    frame = await first_frame(client, await post(client, "/effect/b/", [KEY]))
    assert frame.head.status == 422
    assert ("Content-Type", "application/problem+json") in frame.head.headers
    assert json.loads(frame.body)["title"] == "Idempotency-Key is already used"
    assert database.effects == ["a"]


async def test_a_key_is_its_clients_own(database, client, start, state):
    start()
    ids = [await post(client, f"/effect/{who}/", [KEY, who]) for who in (ALICE, BOB)]
    assert [await client.status(id) for id in ids] == [200, 200]
    assert len(database.effects) == 2


async def test_what_was_rolled_back_may_be_tried_again(database, client, start, state):
    start()
    for _ in range(2):
        assert await client.status(await post(client, "/effect/a/?raise", [KEY])) == 500
    assert state.runs == ["a", "a"]
    assert await client.status(await post(client, "/effect/a/", [KEY])) == 200
    assert database.effects == ["a"]


@pytest.mark.parametrize("key", ["a b", "", "\xe9"])
async def test_what_is_no_key(database, client, start, state, key):
    start()
    frame = await first_frame(client, await post(client, "/effect/a/", [(KEY[0], key)]))
    assert frame.head.status == 400
    assert "malformed" in json.loads(frame.body)["title"]
    assert state.runs == []


async def test_a_view_may_ask_for_one(database, client, start, state):
    start()
    frame = await first_frame(client, await post(client, "/keyed/a/"))
    assert frame.head.status == 400
    assert "asks for an Idempotency-Key" in json.loads(frame.body)["detail"]
    assert (state.runs, database.effects) == ([], [])
    assert await client.status(await post(client, "/keyed/a/", [KEY])) == 200


async def test_fifty_duplicates_hold_no_thread(server_database, client, start, state):
    start(threads=2)
    target = "/effect/a/?wait=first"
    first = await post(client, target, [KEY])
    await eventually(lambda: state.runs == ["a"])
    others = [await post(client, target, [KEY]) for _ in range(49)]
    frames = [await first_frame(client, id) for id in others]  # by the other of two threads
    assert {frame.head.status for frame in frames} == {409}
    assert {json.loads(frame.body)["status"] for frame in frames} == {409}
    state.gates["first"].set()
    assert await client.status(first) == 200
    assert REPLAYED in (await first_frame(client, await post(client, target, [KEY]))).head.headers
    assert state.runs == ["a"]
    assert server_database.effects == ["a"]


async def test_what_has_committed_answers_while_its_hooks_run(
    server_database, client, start, state
):
    """On MariaDB the first has its locks until they have run."""
    start(threads=2)
    first = await post(client, "/effect/a/?hook=wait", [KEY])
    await eventually(lambda: state.runs == ["a", "hook wait"])
    second = await first_frame(client, await post(client, "/effect/a/?hook=wait", [KEY]))
    assert (second.head.status, second.body) == (200, b"a")
    assert REPLAYED in second.head.headers
    state.gates["wait"].set()
    assert await client.status(first) == 200
    assert server_database.effects == ["a"]


async def test_who_may_have_the_key_itself_waits(server_database, client, start, state, kit):
    """Its earlier attempt, as the session of that ends, may give it back last of all."""
    start(threads=2)
    target = "/effect/a/?wait=first"
    first = await post(client, target, [KEY])
    await eventually(lambda: state.runs == ["a"])
    again = await post(client, target, [KEY], sending=2)
    await eventually(lambda: deferred(kit))
    state.gates["first"].set()
    frame = await first_frame(client, again)
    assert (frame.head.status, frame.body) == (200, b"a")
    assert REPLAYED in frame.head.headers
    assert await client.status(first) == 200
    assert server_database.effects == ["a"]


def deferred(kit) -> int:
    return int(kit.client.hget(kit.keys.named("stats", "default"), "deferred") or 0)


async def test_fifty_at_once_are_run_once(server_database, client, start, state):
    start(threads=8)
    ids = [await post(client, "/effect/a/", [KEY]) for _ in range(50)]
    frames = [await first_frame(client, id) for id in ids]
    replayed = [REPLAYED in frame.head.headers for frame in frames]
    statuses = [frame.head.status for frame in frames]
    assert set(statuses) <= {200, 409}
    assert statuses.count(200) == 1 + sum(replayed)
    assert state.runs == ["a"]
    assert server_database.effects == ["a"]


@pytest.mark.parametrize("mode", ["DEFERRED", "IMMEDIATE"])
async def test_on_sqlite_a_duplicate_waits(sqlite_file, client, start, state, kit, caplog, mode):
    sqlite_file.settings["OPTIONS"]["transaction_mode"] = mode
    start(threads=2)
    target = "/effect/a/?wait=first"
    ids = [await post(client, target, [KEY]) for _ in range(2)]
    await eventually(lambda: state.runs == ["a"])
    await eventually(lambda: deferred(kit))
    state.gates["first"].set()
    assert [await client.status(id) for id in ids] == [200, 200]
    assert sqlite_file.effects == ["a"]
    assert "nothing can be written" not in caplog.text
