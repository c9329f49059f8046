"""Both sides of a real broker in one place: fronts that enqueue, workers that claim."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import redis

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.clients_progress import Progress, ProgressReader
from queueproxy.broker.encoded_request import EncodedRequest, encode_request
from queueproxy.broker.front_broker import FrontBroker, Limits
from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.link.links import Link
from queueproxy.broker.observe.lease_clock import FIELD, lease_clock
from queueproxy.broker.operate.control import Control
from queueproxy.broker.own_release import NO_RELEASE, OwnRelease
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.replies import Notice, PiecesWanted, RawReply
from queueproxy.broker.route_counts import RouteCounts, Timed
from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.envelopes import Frame, ReplyHead, RequestHead
from queueproxy.front.kept_body import PieceDigests
from queueproxy.records import Lease, Meta, parse

from .kit.waiting import eventually
from .recount import differences

QUEUES = ("high", "default", "low")
ABOUT = {"host": "h", "pid": 1}  # what a front says of itself
SECRETS = ("a secret of the integration tests",)
PERMANENT = ("state", "queue", "stats", "history", "bell", "dead", "routes", "answered")


@dataclass(frozen=True)
class Counters:
    """What the broker counts, and what is there to be counted."""

    bytes: int
    waiting: int
    in_flight: int


class BrokerKit:
    """Desks and worker_brokers of one namespace.

    Args:
        url: of the broker.
        lease: seconds; a front_broker's is twice that.
        depth, memory: limits of the front_brokers.
    """

    def __init__(
        self,
        url: str,
        *,
        lease: float = 15.0,
        depth: int = 1000,
        memory: int = 1 << 24,
        namespace: str = "kit",
    ):
        self.broker = Broker(BrokerAddress(url), namespace, lease, memory)
        self.keys = self.broker.keys
        self.codec = self.broker.codec(SECRETS)
        self.client = redis.Redis.from_url(url, protocol=2)
        self.lease = lease
        self.limits = Limits(depth, memory)
        self._numbers: dict[str, int] = {}
        self._links: list[Link | WorkerBroker] = []
        self._front_brokers: list[FrontBroker] = []
        self._registrations: list[WorkerRegistration] = []

    # Places.

    def link(self) -> Link:
        """A blocking link."""
        link = self.broker.link("test")
        self._links.append(link)
        return link

    async def front_broker(self, name: str = "front-1", lease: float | None = None) -> FrontBroker:
        """A front's front_broker, joined."""
        front_broker = FrontBroker(self.broker, name, QUEUES, self.limits, self.codec, lease)
        self._front_brokers.append(front_broker)
        await front_broker.join(ABOUT)
        return front_broker

    async def another_link_of(self, front_broker: FrontBroker) -> FrontBroker:
        """The same front on a connection of its own, as it stands on the list now."""
        return await self.front_broker(front_broker.front)

    def _broker_with(self, lease: float | None) -> Broker:
        return replace(self.broker, lease=lease) if lease else self.broker

    def registration(
        self, lease: float | None = None, release: OwnRelease = NO_RELEASE
    ) -> WorkerRegistration:
        """A worker's registration, joined; nobody beats for it."""
        info = {"host": "host", "pid": len(self._registrations) + 1}
        info |= {"release": release.name, "standby": bool(release.standby), "threads": 1}
        broker = self._broker_with(lease)
        registration = WorkerRegistration(broker, info, QUEUES, release=release)
        self._registrations.append(registration)
        registration.join()
        return registration

    def worker_broker(
        self, registration: WorkerRegistration | None = None, number: int = 0, queues=QUEUES
    ) -> WorkerBroker:
        """A thread's worker_broker, of a worker of its own unless told."""
        registration = registration or self.registration()
        made = WorkerBroker(
            self.broker,
            self.codec,
            registration.worker,
            number,
            tuple(queues),
            release=registration.release,
        )
        self._links.append(made)
        return made

    def worker_broker_of(self, other: WorkerBroker, number: int) -> WorkerBroker:
        """Another thread's, of the same worker."""
        made = WorkerBroker(self.broker, self.codec, other.worker, number, QUEUES)
        self._links.append(made)
        return made

    def control(self) -> Control:
        """What people do."""
        return Control(self.link())

    # Requests and answers.

    def encoded_request(
        self,
        front: str,
        id: str,
        queue="default",
        *,
        body=b"",
        hold=60.0,
        most=2,
        piece_size=0,
        group="",
        at_most=0,
        release="",
        client=None,
    ) -> EncodedRequest:
        """A request; `body` is the whole body, also where its front keeps it in pieces."""
        head = RequestHead(
            id=id,
            request_id=f"request-{id}",
            method="GET" if most > 1 else "POST",
            path=f"/{id}",
            query="",
            headers=[("Host", "a")],
            scheme="http",
            http_version="1.1",
            front=front,
            queue=queue,
            hold_ms=int(hold * 1000),
            max_attempts=most,
            sent=0,
            body_size=len(body),
            piece_size=piece_size,
            group=group,
            at_most=at_most,
            release=release,
            client=client,
        )
        return encode_request(head, queue, digests(body, piece_size) if piece_size else body)

    async def send(self, front_broker: FrontBroker, *orders: EncodedRequest) -> None:
        """Enqueue, with running numbers."""
        first = self._numbers.get(front_broker.front, 0) + 1
        await front_broker.enqueue(first, orders)
        self._numbers[front_broker.front] = first + len(orders) - 1

    def start_numbers_over(self, front_broker: FrontBroker) -> None:
        """The broker has forgotten the front's numbers."""
        self._numbers.pop(front_broker.front, None)

    async def put(self, front_broker: FrontBroker, *ids: str, **options) -> None:
        """Enqueue plain requests of these ids."""
        await self.send(
            front_broker, *(self.encoded_request(front_broker.front, id, **options) for id in ids)
        )

    async def answers(self, front_broker: FrontBroker) -> dict[str, list[str]]:
        """What came for each request, oldest first: ``200`` for a frame, a notice's reason."""
        told: dict[str, list[str]] = {}
        for reply in await front_broker.replies.catch_up():
            if isinstance(reply, PiecesWanted):
                continue
            id, what = self._read(reply)
            told.setdefault(id, []).append(what)
        return told

    def _read(self, reply: RawReply | Notice) -> tuple[str, str]:
        if isinstance(reply, Notice):
            return reply.id, reply.reason
        head = self.codec.decode_reply(*reply).head
        return head.id, str(head.status)

    def progress(self, worker_broker: WorkerBroker, block: float = 0.0) -> Progress:
        """What a worker is told of the clients of its answers, by request id."""
        told = self.told(worker_broker, block)
        taken = {name.split()[0]: count for name, count in told.taken.items()}
        return Progress(taken, frozenset(name.split()[0] for name in told.left))

    def told(self, worker_broker: WorkerBroker, block: float = 0.0) -> Progress:
        """The same by registration: see ProgressReader."""
        with ProgressReader(self.broker) as reader:
            return reader.read(worker_broker.worker, block)

    # What is there.

    def counters(self) -> Counters:
        """The broker's own counters, over all queues."""
        state = {k.decode(): v for k, v in self.client.hgetall(self.keys.state).items()}

        def total(kind: str) -> int:
            return sum(int(v) for k, v in state.items() if k.startswith(f"{kind}:"))

        waiting = total("waiting") + total("in_line")
        return Counters(int(state.get("bytes", 0)), waiting, total("inflight"))

    def there(self) -> Counters:
        """The same, found by counting."""
        entries = [
            parse(Meta, fields[b"m"])
            for queue in QUEUES
            for _, fields in self.client.xrange(self.keys.named("queue", queue))
        ]
        leases = [parse(Lease, text) for text in self.client.hvals(self.keys.leases)]
        asked = sum((of.body_asked - of.body_read) * of.piece_size for of in leases)
        size = sum(meta.size for meta in entries)
        total = size + asked + self.reply_bytes()
        return Counters(total, len(entries) - len(leases), len(leases))

    def recount(self) -> list[str]:
        """What the broker's counters say and is not so: see `differences`."""
        return differences(self.client, self.keys)

    def reply_bytes(self) -> int:
        """Bytes of the replies that fronts have not read."""
        return sum(
            sum(map(len, fields.values())) + int(fields.get(b"l", 0))
            for replies in self.client.keys(self.keys.named("replies", "*"))
            for _, fields in self.client.xrange(replies)
        )

    def left(self) -> set[str]:
        """Kinds of keys that are there and do not stay at rest."""
        prefix = len(self.keys.prefix)
        kinds = {key.decode()[prefix:].partition(":")[0] for key in self.client.keys("*")}
        return kinds - set(PERMANENT)

    def now_ms(self) -> int:
        """The broker's clock."""
        seconds, micros = self.client.time()
        return seconds * 1000 + micros // 1000

    def clock_ms(self) -> int:
        """The broker's lease clock."""
        return lease_clock(self.client.hget(self.keys.state, FIELD), self.now_ms())

    async def lease_time_after(self, ms: float) -> None:
        """Let the lease clock pass `ms`: somebody calls again and again, as processes do."""
        link = self.link()

        def passed() -> bool:
            link.script("sample")
            return self.clock_ms() > ms

        await eventually(passed, f"{ms} is past")

    async def close(self) -> None:
        """Drop all links."""
        for link in self._links:
            link.close()
        for front_broker in self._front_brokers:
            await front_broker.close()
        self.client.close()


def digests(body: bytes, piece_size: int) -> bytes:
    """Of the pieces of a body."""
    made = PieceDigests(piece_size)
    made.update(body)
    return made.all()


def size_of(order: EncodedRequest) -> int:
    """Bytes it counts for in the broker: it is told there until when it may be started."""
    return len(order.head) + len(',"expires":1700000000000') + order.meta.size


def answer(
    claim: Claim, body: bytes = b"ok", status: int = 200, *, aborted: bool = False
) -> Settlement:
    """The whole answer to a claim."""
    head = ReplyHead(id=claim.id, attempt=claim.attempt, seq=0, status=status, aborted=aborted)
    return Settlement(claim, "answered", Frame(head, body), "GET", 0.001, status)


def part(claim: Claim, seq: int, body: bytes = b"part") -> Frame:
    """One frame of a streamed answer."""
    status = 0 if seq else 200
    return Frame(ReplyHead(claim.id, claim.attempt, seq, status=status, more=True), body)


def ids_of(worker_broker: WorkerBroker, limit: int = 10_000) -> list[str]:
    """Answer everything that can be started; the ids in order."""
    ids = []
    claim = worker_broker.settle_and_claim(None)
    while claim is not None and len(ids) < limit:
        ids.append(claim.id)
        claim = worker_broker.settle_and_claim(answer(claim))
    return ids


def counts_by_route(requests: Iterable[Timed]) -> list[str]:
    """What a worker tells of these requests at once."""
    counts = RouteCounts()
    counts.add(requests)
    return counts.take()
