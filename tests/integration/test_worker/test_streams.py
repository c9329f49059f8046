"""Answers of several frames: their order, the window, clients that leave, views that break off."""

import pytest

from queueproxy.worker import reply
from queueproxy.worker.frames import FRAME
from queueproxy.worker.reply import WHOLE_WINDOW, WINDOW

from ...brokers import eventually

PIECE = 64 * 1024  # bytes
AHEAD = WINDOW // PIECE + 1  # pieces sent before the window is seen to be full


async def test_a_large_answer_is_cut_into_frames(client, start_worker):
    start_worker()
    size = 2 * FRAME + 5
    frames = await client.whole(await client.ask(f"/sized/{size}/"))
    assert [len(frame.body) for frame in frames] == [FRAME, FRAME, 5]
    assert [frame.head.status for frame in frames] == [200, 0, 0]
    assert b"".join(frame.body for frame in frames) == b"x" * size


async def test_an_answer_that_is_whole_waits_for_no_client(client, start_worker):
    """Only for its front, which tells what it has kept."""
    start_worker()
    size = 3 * WHOLE_WINDOW
    id = await client.ask(f"/sized/{size}/")

    async def has_come(most: int) -> bool:
        return sum(len(frame.body) for frame in await client.frames(id)) == most

    await eventually(lambda: has_come(WHOLE_WINDOW + FRAME))
    await client.take(id, WHOLE_WINDOW)
    await eventually(lambda: has_come(2 * WHOLE_WINDOW + FRAME))
    await client.take(id, FRAME)
    await eventually(lambda: has_come(2 * WHOLE_WINDOW + 2 * FRAME))
    await client.take(id, WHOLE_WINDOW)
    frames = await client.whole(id)
    assert frames[0].head.whole
    assert ["Content-Length", str(size)] in [list(pair) for pair in frames[0].head.headers]
    assert sum(len(frame.body) for frame in frames) == size


async def test_the_largest_single_frame(client, start_worker):
    start_worker()
    (frame,) = await client.whole(await client.ask(f"/sized/{FRAME}/"))
    assert len(frame.body) == FRAME


async def test_a_stream_goes_out_as_it_is_made(client, start_worker, state):
    start_worker()
    id = await client.ask("/stream/3/2/?wait=1")

    async def first():
        return [frame.body for frame in await client.frames(id)] == [b"", b"aaa"]

    await eventually(first)
    state.gate.set()
    frames = await client.whole(id)
    assert [frame.body for frame in frames] == [b"", b"aaa", b"bbb", b""]
    assert [frame.head.status for frame in frames] == [200, 0, 0, 0]


async def test_a_slow_client_stops_the_view(client, start_worker, kit, state):
    start_worker()
    id = await client.ask(f"/stream/{PIECE}/1000/")
    await eventually(lambda: waits_for_client(kit) and state.made > AHEAD)
    made = state.made
    assert made == AHEAD + 1  # one is at hand
    await client.take(id, 4 * PIECE)
    await eventually(lambda: state.made == made + 4, "four more")
    await eventually(lambda: waits_for_client(kit))
    assert state.made == made + 4
    await client.front_broker.withdraw([id])


def waits_for_client(kit) -> bool:
    """Whether a worker blocks until it hears of its clients, and has read all that was said."""
    clients = kit.client.client_list()
    return any("worker-flow" in c["name"] and "b" in c["flags"] for c in clients)


async def test_a_stream_larger_than_the_window_arrives_whole(client, start_worker, state):
    start_worker()
    id = await client.ask(f"/stream/{PIECE}/64/")  # 4 MiB
    taken = 0
    while state.closed == 0:
        body = sum(len(frame.body) for frame in await client.frames(id))
        if body > taken:
            await client.take(id, body - taken)
            taken = body
    frames = await client.whole(id)
    body = b"".join(frame.body for frame in frames)
    assert body == b"".join(b"%c" % (97 + number % 26) * PIECE for number in range(64))
    assert "flow" not in client.kit.left()


@pytest.mark.parametrize("when", ["it waits for its client", "it makes pieces"])
async def test_a_client_that_leaves_stops_the_view(
    client, start_worker, kit, state, monkeypatch, when
):
    monkeypatch.setattr(reply, "LOOK_AGAIN", 0.1)
    start_worker()
    if when == "it waits for its client":
        id = await client.ask(f"/stream/{PIECE}/1000000/")
        await eventually(lambda: waits_for_client(kit) and state.made > AHEAD)
    else:
        id = await client.ask("/stream/1/1000000/?wait=3")
        await eventually(lambda: state.made == 3)
    await client.front_broker.withdraw([id])
    state.gate.set()
    await eventually(lambda: state.closed == 1, "the view's finally")
    assert state.made < 1000
    assert await client.status(await client.ask("/run/after/")) == 200
    assert kit.counters() == kit.there()
    assert kit.counters().in_flight == 0


async def test_a_view_that_raises_in_the_middle(client, start_worker, state):
    start_worker()
    frames = await client.whole(await client.ask("/stream/2/9/?raise=2"))
    assert [frame.body for frame in frames] == [b"", b"aa", b"bb", b""]
    assert [frame.head.aborted for frame in frames] == [False, False, False, True]
    assert state.closed == 1
    assert await client.status(await client.ask("/run/after/")) == 200


@pytest.mark.parametrize(
    ("length", "aborted", "sent"), [(4, False, 4), (3, True, 2), (5, True, 4), (0, True, 0)]
)
async def test_a_stream_that_declared_another_length(client, start_worker, length, aborted, sent):
    start_worker()
    frames = await client.whole(await client.ask(f"/stream/2/2/?Content-Length={length}"))
    assert frames[-1].head.aborted is aborted
    assert sum(len(frame.body) for frame in frames) == sent


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/stream/9/9/"),
        ("HEAD", "/run/a/"),
        ("GET", "/status/204/"),
        ("GET", "/status/304/"),
    ],
)
async def test_answers_without_a_body_are_one_frame(client, start_worker, method, path, state):
    start_worker()
    (frame,) = await client.whole(await client.ask(path, method))
    assert frame.body == b""
    assert not frame.head.more
    assert state.made == 0


@pytest.mark.parametrize("evil", ["a%0d%0aSet-Cookie: x=1", "a%00b", "%0a"])
async def test_header_injection_never_leaves_the_worker(client, start_worker, evil):
    start_worker()
    id = await client.ask(f"/stream/1/1/?X-Evil={evil}")
    assert await client.notice(id) == "bad_response"
    assert not await client.frames(id)


async def test_a_huge_header(client, start_worker):
    start_worker()
    value = "x" * 500_000
    (frame, *_) = await client.whole(await client.ask(f"/stream/1/1/?X-Evil={value}"))
    assert ["X-Evil", value] in [list(pair) for pair in frame.head.headers]
