"""Effects and answer are committed together, once (docs/exactly-once.md)."""

import asyncio

import msgspec.structs
import pytest
from django.db import OperationalError, connections

from queueproxy.broker.operate.control import Control
from queueproxy.envelopes import RequestHead, encoded_head
from queueproxy.worker import incoming_body
from queueproxy.worker.elapsed import Elapsed

from ...brokers import eventually
from ...kit.waiting import wait_until
from .asking import ATTEMPTS, lose, post
from .databases import ALIAS, Database


def lose_commits(monkeypatch, database: Database, committed: bool) -> None:
    """Have the connection break once, before the answer to COMMIT has come."""
    wrapper = type(connections[ALIAS])
    commit, lost = wrapper._commit, []

    def breaking(self):
        if not lost and self.alias == ALIAS:
            lost.append(None)
            if committed:
                commit(self)
            self.connection.close()
            wait_until(lambda: database.sessions_in_transaction == 0)
            raise OperationalError("the connection is lost")
        commit(self)

    monkeypatch.setattr(wrapper, "_commit", breaking)


async def test_effects_and_answer_are_there(database, client, start, state):
    start()
    id = await post(client, "/effect/a/")
    (frame,) = await client.whole(id)
    assert (frame.head.status, frame.body) == (200, b"a")
    assert database.effects == ["a"]
    assert database.rows == [(id, 200)]


async def test_the_next_attempt_gives_the_answer_that_is_stored(
    database, client, start, state, kit
):
    """The broker has lost everything, and its front has sent the request again."""
    start()
    id = await post(client, "/effect/a/")
    (first,) = await client.whole(id)
    kit.client.delete(kit.keys.named("replies", client.front_broker.front))
    await post(client, "/effect/a/", id=id)
    (second,) = await client.whole(id)
    assert second.head.headers == first.head.headers
    assert ("Set-Cookie", "seen=a; Path=/") in second.head.headers
    assert second.body == first.body
    assert state.runs == ["a"]
    assert database.effects == ["a"]


async def test_a_lost_worker_costs_nothing(database, client, start, state, kit):
    id = await post(client, "/effect/a/")
    for _ in range(ATTEMPTS - 1):
        lose(kit, id)
    start()
    assert await client.status(id) == 200
    assert database.effects == ["a"]


async def test_the_tenth_lost_worker_is_the_last(database, client, start, state, kit):
    id = await post(client, "/effect/a/")
    for _ in range(ATTEMPTS):
        lose(kit, id)
    assert await client.notice(id) == "worker_lost"


@pytest.mark.parametrize(
    ("query", "status", "kept"),
    [
        ("status=302", 302, True),
        ("status=404", 404, True),
        ("status=500", 500, False),
        ("raise", 500, False),
        ("stream", 500, False),
        ("file", 500, False),
        ("large", 500, False),
        ("undo", 500, False),
        ("undo&status=400", 400, False),
    ],
)
async def test_what_is_committed(database, client, start, state, query, status, kept):
    start()
    id = await post(client, f"/effect/a/?{query}")
    assert await client.status(id) == status
    assert database.effects == ["a"] * kept
    assert database.rows == [(id, status)] * kept
    assert state.runs == ["a"]


async def test_a_caught_error_of_the_database_breaks_the_transaction(
    postgres, client, start, state, caplog
):
    start()
    assert await client.status(await post(client, "/effect/a/?break")) == 500
    assert (postgres.effects, postgres.rows) == ([], [])
    assert "could not be committed" in caplog.text


@pytest.mark.parametrize("atomic", [True, False])
async def test_with_and_without_atomic_requests(
    database, client, start, state, atomic, monkeypatch
):
    monkeypatch.setitem(database.settings, "ATOMIC_REQUESTS", atomic)
    start()
    ids = [await post(client, f"/effect/{query}") for query in ("a/", "b/?raise", "c/?undo")]
    statuses = [await client.status(id) for id in ids]
    # Within ATOMIC_REQUESTS set_rollback undoes the view's own savepoint, and no more.
    assert statuses == [200, 500, 200 if atomic else 500]
    assert database.effects == ["a"]


async def test_where_nothing_is_committed_nothing_is_promised(
    database, client, start, state, monkeypatch
):
    """AUTOCOMMIT is off: the project commits by itself, and a block of atomic() does not."""
    monkeypatch.setitem(database.settings, "AUTOCOMMIT", False)
    start()
    id = await post(client, "/effect/a/")
    assert await client.notice(id) == "misrouted"
    assert (database.effects, state.runs) == ([], [])


async def test_hooks_run_after_the_commit(database, client, start, state):
    start()
    id = await post(client, "/effect/a/?hook=wait")
    await eventually(lambda: state.runs == ["a", "hook wait"])
    assert database.effects == ["a"]
    assert await client.frames(id) == []  # and before the answer, as under ATOMIC_REQUESTS
    state.gates["wait"].set()
    assert await client.status(id) == 200


async def test_a_hook_that_raises_changes_nothing(database, client, start, state, caplog):
    start()
    id = await post(client, "/effect/a/?hook=raise")
    assert await client.status(id) == 200
    assert database.rows == [(id, 200)]
    assert "a hook of on_commit failed" in caplog.text


async def test_no_hook_runs_of_what_is_rolled_back(database, client, start, state):
    start()
    assert await client.status(await post(client, "/effect/a/?hook=x&status=500")) == 500
    assert state.runs == ["a"]


async def test_a_lost_row_is_run_again(database, client, start, state):
    """As where InnoDB has rolled the transaction back, and the view went on."""
    start()
    id = await post(client, "/effect/a/?lose", max_attempts=2)
    assert await client.notice(id) == "not_committed"
    assert state.runs == ["a", "a"]
    assert (database.effects, database.rows) == ([], [(id, 503)])


async def test_what_was_tried_for_the_last_time_is_never_run(database, client, start, state, kit):
    """Its row says so to whoever comes later: an old attempt, or after the broker's loss."""
    start()
    id = await post(client, "/effect/a/?lose", max_attempts=1)
    assert await client.notice(id) == "not_committed"
    kit.client.delete(kit.keys.named("replies", client.front_broker.front))
    await post(client, "/effect/a/", id=id)
    assert await client.notice(id) == "not_committed"
    assert state.runs == ["a"]
    assert database.effects == []


async def test_a_clients_key_is_free_again_after_the_last_attempt(database, client, start, state):
    start()
    key = [("Idempotency-Key", "k")]
    first = await post(client, "/effect/a/?lose", key, max_attempts=1)
    assert await client.notice(first) == "worker_lost"
    assert await client.status(await post(client, "/effect/a/", key)) == 200
    assert (state.runs, database.effects) == (["a", "a"], ["a"])


@pytest.mark.parametrize("committed", [True, False])
async def test_the_outcome_of_the_last_commit_is_lost(
    server_database, client, start, state, monkeypatch, committed
):
    lose_commits(monkeypatch, server_database, committed)
    start()
    id = await post(client, "/effect/a/", max_attempts=1)
    if committed:
        assert await client.status(id) == 200
    else:
        assert await client.notice(id) == "not_committed"
    assert state.runs == ["a"]
    assert server_database.effects == ["a"] * committed


@pytest.mark.parametrize(("fails", "runs"), [(True, ["a"]), (False, ["a", "a"])])
async def test_a_session_is_lost_in_the_view(postgres, client, start, state, fails, runs):
    start()
    id = await post(client, "/effect/a/?wait=first" + "&raise" * fails)
    await eventually(lambda: postgres.sessions_in_transaction == 1)
    postgres.do(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
    )
    state.gates["first"].set()
    assert await client.status(id) == (500 if fails else 200)
    assert state.runs == runs
    assert postgres.effects == ([] if fails else ["a"])


@pytest.mark.parametrize("committed", [True, False])
async def test_the_outcome_of_a_commit_is_lost(
    server_database, client, start, state, monkeypatch, committed
):
    lose_commits(monkeypatch, server_database, committed)
    start()
    id = await post(client, "/effect/a/")
    (frame,) = await client.whole(id)
    assert (frame.head.status, frame.body) == (200, b"a")
    assert state.runs == (["a"] if committed else ["a", "a"])
    assert server_database.effects == ["a"]
    assert server_database.rows == [(id, 200)]


async def test_what_can_not_be_committed_is_an_error_of_the_view(postgres, client, start, state):
    """A constraint that is looked at in COMMIT."""
    postgres.do("ALTER TABLE effects ADD UNIQUE (nonce) DEFERRABLE INITIALLY DEFERRED")
    start()
    assert await client.status(await post(client, "/effect/a/")) == 200
    assert await client.status(await post(client, "/effect/a/")) == 500
    assert state.runs == ["a", "a"]
    assert postgres.effects == ["a"]
    assert len(postgres.rows) == 1


async def test_a_row_without_an_answer_is_never_run_again(
    postgres, client, start, state, kit, caplog
):
    id = await post(client, "/effect/a/")
    postgres.do(
        "INSERT INTO queueproxy_execution (key, request, fingerprint, created, headers, body) "
        f"VALUES ('{id}', '{id}', '', now(), '', '')"
    )
    start()
    assert await client.notice(id) == "worker_lost"
    assert state.runs == []
    assert [letter.reason for letter in Control(kit.link()).dead_letters()] == ["worker_lost"]
    assert "somebody has committed in the middle of it" in caplog.text


async def test_what_is_missing_in_the_database_is_waited_for(database, client, start, state):
    """Nothing was run: the request stays held until the migration is there."""
    database.do("ALTER TABLE queueproxy_execution RENAME TO elsewhere")
    start()
    id = await post(client, "/effect/a/")
    await asyncio.sleep(0.2)
    assert state.runs == []
    database.do("ALTER TABLE elsewhere RENAME TO queueproxy_execution")
    assert await client.status(id) == 200
    assert database.effects == ["a"]


async def test_the_id_that_a_client_chooses_is_no_key(database, client, start, state):
    start()
    for nonce in "ab":
        id = await post(client, f"/effect/{nonce}/", request_id="chosen")
        (frame,) = await client.whole(id)
        assert frame.body == nonce.encode()
    assert database.effects == ["a", "b"]


async def test_a_body_that_can_not_be_read_is_no_answer(
    postgres, client, start, state, kit, monkeypatch
):
    """The view may make a page of it, which is not to be kept."""
    monkeypatch.setattr(incoming_body, "PATIENCE", 0.2)
    body = b"a" * 200_000
    order = kit.encoded_request(
        client.front_broker.front, "large", body=body, most=2, piece_size=100_000
    )
    head = msgspec.json.decode(order.head, type=RequestHead)
    head = msgspec.structs.replace(
        head, method="POST", path="/effect/a/", query="read&forgive", fenced=ALIAS
    )
    start()
    await kit.send(client.front_broker, msgspec.structs.replace(order, head=encoded_head(head)))
    assert await client.notice("large") == "not_committed"
    assert state.runs == ["a", "unreadable", "a", "unreadable"]
    assert (postgres.effects, postgres.rows) == ([], [("large", 503)])


async def test_what_nobody_waits_for_any_more_is_not_run(
    database, client, start, state, kit, monkeypatch
):
    """A worker wakes long after its claim: the row of a later attempt may be purged by then."""
    monkeypatch.setattr(Elapsed, "ms", 60_001.0)
    start()
    await post(client, "/effect/a/")
    await eventually(lambda: kit.counters().in_flight == 0 and kit.counters().waiting == 0)
    assert (state.runs, database.rows) == ([], [])
