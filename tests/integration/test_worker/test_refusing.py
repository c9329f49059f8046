"""A worker refuses unread what is not signed for it, or came too late; clients hear that (P4)."""

from ...brokers import BrokerKit, eventually
from ..test_leaving import Connection

HINT = "SECRET_KEY_FALLBACKS"


async def test_a_client_whose_request_came_too_late(kit, front, start_worker):
    """Its front has signed that it may be started until a moment ago, and does so again."""
    front._broker.time.expiry = lambda hold_ms: kit.now_ms() - 1
    connection = Connection(front)
    start_worker()
    await connection.end()
    start = connection.sent[0]
    assert start["status"] == 503
    assert b"retry-after" in dict(start["headers"])
    assert kit.control().dead_letters() == []  # it was not run, and its client has heard so


async def test_the_client_hears_that_nothing_was_executed(kit, front, start_worker, state, caplog):
    start_worker(secrets=("another secret",))
    for _ in range(3):
        connection = Connection(front)
        await connection.end()
        start, body = connection.sent[0], connection.sent[1]["body"]
        assert start["status"] == 503
        assert b"retry-after" in dict(start["headers"])
        assert b"Nothing was executed" in body
    assert state.runs == []
    assert {letter.reason for letter in kit.control().dead_letters()} == {"bad_signature"}
    refused = [text for text in caplog.messages if "was refused and not run" in text]
    assert [HINT in text for text in refused] == [True, False, False]


async def test_it_is_explained_again_after_one_that_held(kit, client, start_worker, caplog):
    start_worker()
    stranger = BrokerKit(kit.broker.address.url)
    try:
        stranger.codec = stranger.broker.codec(("another secret",))
        another = await stranger.front_broker("stranger")
        for id in ("a", "b"):
            await stranger.put(another, id)
            await eventually(lambda: stranger.answers(another))
            await another.replies.read()
            assert await client.status(await client.ask("/run/between/")) == 200
    finally:
        await stranger.close()
    refused = [text for text in caplog.messages if "was refused and not run" in text]
    assert [HINT in text for text in refused] == [True, True]
