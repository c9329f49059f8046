"""A body from a connection through the front's memory and spool to a view's thread."""

import asyncio
import random
import threading

import pytest

from queueproxy.broker.piece_reader import AHEAD
from queueproxy.envelopes import PIECE_SIZE
from queueproxy.exceptions import BodyUnreadable
from queueproxy.front.front import Front
from queueproxy.front.http.body import BodyTooLarge, ClientDisconnected
from queueproxy.front.kept_body import MEMORY_FIRST, NoRoom
from queueproxy.front.memory import PIECE_OVERHEAD
from queueproxy.front.upload import INLINE, Body, take_body
from queueproxy.worker import incoming_body as module
from queueproxy.worker.incoming_body import incoming_body

from ..brokers import BrokerKit, answer, digests, eventually

LIMIT = 1 << 25  # bytes
LARGE = 9 * PIECE_SIZE + 12_345  # bytes: more than a window, and than stays in memory


def noise(size: int) -> bytes:
    """No two pieces alike."""
    return random.Random(size).randbytes(size)


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


async def take(
    front: Front, *pieces: bytes, memory=None, limit: int = LIMIT, left: bool = False
) -> Body:
    """Take in a body that comes in these pieces; `left`: the client leaves before the end."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if left else {"type": "http.request"})

    async def receive() -> dict:
        return messages.pop(0)

    memory = memory or front.memory.reservation()
    return await take_body(front, receive, memory, limit=limit)


class Upload:
    """A request whose body stays at the front, claimed by a worker.

    Attributes:
        file: what its view reads.
    """

    def __init__(self, kit: BrokerKit, worker_broker, held, claim):
        self.kit = kit
        self.held = held
        self.claim = claim
        self.worker_broker = worker_broker
        envelope = worker_broker.open(claim)
        count = len(envelope.digests) // 32
        self.file = incoming_body(worker_broker.pieces(claim, count), envelope)

    async def read(self, size: int = -1) -> bytes:
        return await asyncio.to_thread(self.file.read, size)

    def pieces(self) -> list[bytes]:
        """Names of those in the broker."""
        return self.kit.client.keys(self.kit.keys.named("piece", "*"))

    def settle(self) -> None:
        self.worker_broker.settle_and_claim(answer(self.claim), claim=False)


@pytest.fixture
def upload(kit, front):
    """Takes a body in, enqueues its request and claims it."""

    async def make(body: bytes, *, worker_broker=None, most: int = 2) -> Upload:
        taken = await take(front, *cut(body, 65_536))
        request = kit.encoded_request(
            front.id, f"u{len(body)}", body=body, piece_size=taken.piece_size, most=most
        )
        held = front.hold(request, body=taken.kept)
        worker_broker = worker_broker or kit.worker_broker()
        claim = await eventually(lambda: worker_broker.settle_and_claim(None))
        return Upload(kit, worker_broker, held, claim)

    return make


# At the front.


async def test_the_largest_body_that_goes_with_its_request(front):
    body = noise(INLINE)
    assert await take(front, *cut(body, 1000)) == Body(INLINE, body, None)


async def test_one_byte_more_stays_at_the_front(front):
    body = noise(INLINE + 1)
    taken = await take(front, body)
    assert (taken.size, taken.entry) == (INLINE + 1, digests(body, PIECE_SIZE))
    assert taken.kept.read(0, INLINE + 1) == body
    assert front.spool.used == 0


@pytest.mark.parametrize("piece", [1000, PIECE_SIZE - 1, PIECE_SIZE, PIECE_SIZE + 1, LARGE])
async def test_it_is_the_same_however_it_comes(front, piece):
    body = noise(LARGE)
    taken = await take(front, *cut(body, piece))
    assert taken.entry == digests(body, PIECE_SIZE)
    assert taken.kept.read(0, LARGE) == body
    for offset in (0, 1, MEMORY_FIRST - 1, MEMORY_FIRST, LARGE - 1, LARGE):
        assert taken.kept.read(offset, PIECE_SIZE) == body[offset : offset + PIECE_SIZE]
    assert front.memory.requests <= MEMORY_FIRST + PIECE_OVERHEAD
    assert front.spool.used >= LARGE - MEMORY_FIRST
    taken.kept.close()
    assert (front.memory.requests, front.spool.used) == (0, 0)


@pytest.mark.parametrize("size", [PIECE_SIZE - 1, PIECE_SIZE, 2 * PIECE_SIZE])
async def test_the_digests_at_the_edge_of_a_piece(front, size):
    body = noise(size)
    assert (await take(front, *cut(body, 60_000))).entry == digests(body, PIECE_SIZE)


async def test_no_digests_where_signing_is_off(front):
    front.signs = False
    taken = await take(front, noise(INLINE + 1))
    assert (taken.entry, taken.piece_size) == (b"", PIECE_SIZE)


async def test_without_memory_even_a_small_body_is_kept_on_disk(front):
    with front.memory.reservation() as others:
        assert others.keep(front.memory.size // 2 - 500, 0.5)
        body = noise(1000)
        taken = await take(front, *cut(body, 300))
        assert (taken.entry, taken.kept.read(0, 1000)) == (digests(body, PIECE_SIZE), body)
        assert 0 < front.spool.used < 1000


async def test_without_a_spool_a_large_body_stays_in_memory(front):
    front.spool.size = 0
    body = noise(LARGE)
    taken = await take(front, *cut(body, 65_536))
    assert taken.kept.read(0, LARGE) == body
    assert front.memory.requests > LARGE


async def test_what_there_is_no_room_for_leaves_nothing(front):
    front.spool.size = 1 << 20
    with front.memory.reservation() as others:
        assert others.keep(front.memory.size // 2, 0.5)
        with pytest.raises(NoRoom):
            await take(front, *cut(noise((1 << 20) + 1), 65_536))
        assert front.spool.used == 0
    assert front.memory.requests == 0


async def test_a_disk_that_is_full_leaves_nothing(front, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("queueproxy.front.spool.os.pwrite", full)
    with front.memory.reservation() as others:
        assert others.keep(front.memory.size // 2 - MEMORY_FIRST, 0.5)
        with pytest.raises(NoRoom):
            await take(front, *cut(noise(LARGE), 65_536))
    assert (front.memory.requests, front.spool.used) == (0, 0)


@pytest.mark.parametrize(
    ("error", "options"),
    [(BodyTooLarge, {"limit": LARGE + 1}), (ClientDisconnected, {"left": True})],
)
async def test_a_body_that_breaks_off_leaves_nothing(front, error, options):
    with pytest.raises(error):
        await take(front, noise(LARGE), b"ab", **options)
    assert (front.memory.requests, front.spool.used) == (0, 0)


# At the worker.


@pytest.mark.parametrize("size", [INLINE + 1, PIECE_SIZE, AHEAD * PIECE_SIZE + 1, LARGE])
async def test_the_worker_gets_the_body_that_was_sent(kit, front, upload, size):
    body = noise(size)
    it = await upload(body)
    assert it.pieces() == []
    assert await it.read() == body
    assert await it.read() == b""
    assert kit.recount() == []
    it.settle()
    assert it.pieces() == []
    assert kit.counters() == kit.there()
    await eventually(lambda: it.held.settled)
    assert (front.memory.requests, front.spool.used) == (0, 0)


async def test_reading_like_a_file(upload):
    lines = [b"%d " % number * (number % 50) + b"\n" for number in range(50_000)]
    body = b"".join(lines)
    it = await upload(body)

    def read() -> list:
        file = it.file
        return [file.read(0), file.readline(), file.read(10), file.readlines(100_000), [*file]]

    nothing, first, ten, some, rest = await asyncio.to_thread(read)
    assert (nothing, first, len(ten)) == (b"", lines[0], 10)
    assert first + ten + b"".join(some) + b"".join(rest) == body
    assert rest[-1] == lines[-1]


async def test_a_view_that_reads_nothing_costs_no_transfer(kit, upload):
    it = await upload(noise(LARGE))
    before = kit.client.info("stats")["total_net_input_bytes"]
    it.settle()
    assert it.pieces() == []
    assert kit.client.info("stats")["total_net_input_bytes"] - before < 10_000


async def test_a_view_that_reads_a_little_costs_a_window(kit, upload):
    it = await upload(noise(LARGE))
    assert len(await it.read(10)) == 10
    assert kit.recount() == []
    assert len(it.pieces()) <= AHEAD
    it.settle()
    await eventually(lambda: it.pieces() == [])
    assert kit.recount() == []


async def test_no_more_than_a_window_is_in_the_broker(kit, upload):
    it, body, most = await upload(noise(LARGE)), b"", 0
    while piece := await it.read(100_000):
        body += piece
        most = max(most, kit.counters().bytes)
    assert body == noise(LARGE)
    assert most <= AHEAD * PIECE_SIZE + 10_000


async def test_pieces_that_are_lost_are_asked_for_again(kit, upload, monkeypatch):
    monkeypatch.setattr(module, "ASK_AGAIN", 0.1)
    it = await upload(noise(LARGE))
    begun = await it.read(PIECE_SIZE)
    await eventually(lambda: len(it.pieces()) >= AHEAD - 1)
    kit.client.delete(*it.pieces())
    assert begun + await it.read() == noise(LARGE)
    assert kit.recount() == []


async def test_a_piece_that_was_altered_is_not_read(kit, upload):
    it = await upload(noise(LARGE))
    begun = await it.read(PIECE_SIZE)
    await eventually(lambda: len(it.pieces()) >= AHEAD - 1)
    for name in it.pieces():
        kit.client.setrange(name, 5, "forged")
    with pytest.raises(BodyUnreadable, match="altered"):
        await it.read()
    assert begun == noise(LARGE)[:PIECE_SIZE]


async def test_pieces_that_change_places_are_not_read(kit, upload):
    it = await upload(noise(LARGE))
    await it.read(PIECE_SIZE)
    pieces = sorted(await eventually(lambda: len(it.pieces()) >= AHEAD - 1 and it.pieces()))
    kit.client.copy(pieces[-1], pieces[-2], replace=True)
    with pytest.raises(BodyUnreadable):
        await it.read()


async def test_a_front_that_hands_nothing_over(kit, front, upload, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    it = await upload(noise(LARGE))
    monkeypatch.setattr(it.held.__class__, "pieces", lambda self, numbers: [])
    with pytest.raises(BodyUnreadable):
        await it.read()
    it.settle()
    assert kit.recount() == []


async def test_a_client_that_leaves_ends_the_reading(kit, front, upload):
    it = await upload(noise(LARGE))
    await it.read(10)
    assert await front.withdraw(it.held) == "in_flight"
    with pytest.raises(BodyUnreadable, match="gone"):
        await it.read()


async def test_a_client_that_leaves_while_a_piece_is_waited_for(front, upload, monkeypatch):
    monkeypatch.setattr(module, "ASK_AGAIN", 20.0)  # it hears of that without asking
    it = await upload(noise(LARGE))
    monkeypatch.setattr(it.held.__class__, "pieces", lambda self, numbers: [])
    reading = asyncio.create_task(it.read(10))
    await asyncio.wait([reading], timeout=0.2)
    began = asyncio.get_running_loop().time()
    await front.withdraw(it.held)
    with pytest.raises(BodyUnreadable, match="gone"):
        await reading
    assert asyncio.get_running_loop().time() < began + 10


async def test_a_worker_that_was_given_up_reads_no_more(kit, front, upload):
    """And its request is run again, with its body."""
    body = noise(LARGE)
    it = await upload(body)
    await it.read(10)
    kit.link().script("worker_reap", it.worker_broker.worker)
    await eventually(lambda: it.pieces() == [])
    assert kit.recount() == []
    with pytest.raises(BodyUnreadable):
        await it.read()
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    again = Upload(kit, worker_broker, it.held, claim)
    assert claim.attempt == 2
    assert await again.read() == body
    again.settle()
    assert kit.recount() == []


async def test_many_at_once_with_little_room(broker, make_front):
    """What the broker may hold is respected, and yet each goes on."""
    kit = BrokerKit(broker.url, memory=3 * PIECE_SIZE)
    front, most, over = make_front(kit), 0, threading.Event()
    await eventually(lambda: front.sender.reachable)

    def watch() -> None:
        nonlocal most
        with kit.link() as link:
            while not over.is_set():
                (found,) = link.commands([("HGET", kit.keys.state, "bytes")])
                most = max(most, int(found or 0))

    uploads = []
    for number in range(4):
        body = noise(LARGE + number)
        taken = await take(front, *cut(body, 65_536))
        request = kit.encoded_request(front.id, f"u{number}", body=body, piece_size=PIECE_SIZE)
        held = front.hold(request, body=taken.kept)
        worker_broker = kit.worker_broker()
        claim = await eventually(lambda it=worker_broker: it.settle_and_claim(None))
        uploads.append(Upload(kit, worker_broker, held, claim))
    watching = asyncio.create_task(asyncio.to_thread(watch))
    async with asyncio.timeout(30):
        read = await asyncio.gather(*(it.read() for it in uploads))
    over.set()
    await watching
    assert [len(body) for body in read] == [LARGE + number for number in range(4)]
    assert most <= (3 + 4) * PIECE_SIZE  # each may have one, room or not
    assert kit.recount() == []
    await kit.close()


async def test_a_broker_that_is_away_for_a_while(kit, broker, upload):
    it = await upload(noise(LARGE))
    begun = await it.read(10)
    broker.freeze()
    reading = asyncio.create_task(it.read())
    try:
        await asyncio.wait([reading], timeout=7)  # longer than a link waits for an answer
        assert not reading.done()
    finally:
        broker.thaw()
    assert begun + await asyncio.wait_for(reading, 20) == noise(LARGE)
    assert kit.recount() == []


async def test_bodies_being_read_keep_no_request_out(broker, make_front):
    """Nor does what they may hold grow with the number of workers, but for a piece each."""
    kit = BrokerKit(broker.url, memory=8 * PIECE_SIZE)
    front = make_front(kit)
    await eventually(lambda: front.sender.reachable)
    body, uploads = noise(LARGE), []
    for number in range(7):
        taken = await take(front, *cut(body, 65_536))
        request = kit.encoded_request(front.id, f"u{number}", body=body, piece_size=PIECE_SIZE)
        held = front.hold(request, body=taken.kept)
        worker_broker = kit.worker_broker()
        claim = await eventually(lambda it=worker_broker: it.settle_and_claim(None))
        uploads.append(Upload(kit, worker_broker, held, claim))
        await uploads[-1].read(1)
    await eventually(lambda: len(uploads[0].pieces()) == 7)
    front.hold(kit.encoded_request(front.id, "small"))
    await eventually(lambda: kit.counters().waiting == 1)
    assert kit.recount() == []
    await kit.close()
