"""What the broker's keys say of each request, between two calls of scripts."""

from typing import NamedTuple

import msgspec
import redis

from queueproxy.broker.observe.lease_clock import FIELD, lease_clock
from queueproxy.envelopes import WIRE_VERSION
from queueproxy.keys import Keys
from queueproxy.records import Held, Lease, Meta

from ..recount import Namespace, Place
from .dump import Dump


class Reply(NamedTuple):
    """One entry of a front's replies.

    Attributes:
        id: of the request.
        reason: of a notice; empty for a frame of an answer.
        more: whether another frame follows.
    """

    entry: bytes
    id: str
    reason: str
    more: bool


class Start(NamedTuple):
    """What is one start of a request: its lease keeps both for as long as it lasts."""

    slot: str
    call: str


class Snapshot:
    """All that counts, as plain commands find it.

    Args:
        client: of the server.
        keys: of the namespace.

    Attributes:
        clock: of leases, ms.
        states: by place, of those that are not over.
        metas: by place, who it is.
        arrivals: by place, ms of the lease clock.
        versions: by place, of the wire.
        leases: by place.
        slots: by slot, the place it holds.
        starts: by place.
        held: by place.
        workers, fronts: when the lease of each expires, ms.
        put_off: by place, from when it may be started, ms.
        active: release that serves; empty for any.
        letters: places of dead letters, oldest first.
        replies: by front.
        there: for a recount.
    """

    def __init__(self, client: redis.Redis, keys: Keys):
        found = Dump(client, keys.prefix)
        self.there = there = Namespace(found, keys)
        self.clock = lease_clock(there.state.get(FIELD), found.now_ms)
        self.metas: dict[Place, Meta] = {p: meta for p, meta in there.entries.items() if meta}
        self.arrivals: dict[Place, int] = {}
        self.versions: dict[Place, str] = {}
        for queue in there.named("queue"):
            for entry, fields in found.xrange(keys.named("queue", queue)):
                place = (queue, entry.decode())
                self.arrivals[place] = int(fields.get(b"c", 0))
                self.versions[place] = fields.get(b"v", b"").decode()
        self.leases: dict[Place, Lease] = {}
        self.starts: dict[Place, Start] = {}
        self.slots: dict[str, Place] = {}
        for slot, lease in there.leases.items():
            place = (lease.queue, lease.entry)
            self.leases[place], self.slots[slot] = lease, place
            self.starts[place] = Start(slot, lease.call)
        self.held: dict[Place, Held] = {(h.queue, h.entry): h for h in there.held.values()}
        self.workers = _scores(found, keys.workers)
        self.fronts = _scores(found, keys.fronts)
        self.put_off = {
            (queue, unpadded(member)): int(score)
            for queue in there.named("returned")
            for member, score in _scores(found, keys.named("returned", queue)).items()
        }
        activation = there.state.get("activation", "0 - -").split()
        self.active = "" if activation[1] == "-" else activation[1]
        self.letters = [
            (fields[b"queue"].decode(), fields[b"entry"].decode())
            for _, fields in found.xrange(keys.dead)
        ]
        self.replies = {
            front: [_reply(*entry) for entry in found.xrange(keys.named("replies", front))]
            for front in there.named("replies")
        }
        self.states = {place: self._state(place) for place in self.metas}

    def _state(self, place: Place) -> str:
        if place in self.leases:
            if place not in self.held:
                return "unwanted"
            return "streaming" if self.leases[place].streamed else "leased"
        if place not in self.held:
            return "nobody's"
        there, queue = self.there, place[0]
        if any(place in line for line in there.lines.values()):
            return "in line"
        if place in there.sets.get(f"returned:{queue}", ()):
            return "put off" if self.put_off[place] else "returned"
        if any(place in found for name, found in there.sets.items() if name.startswith("parked:")):
            return "parked"
        cursor = there.state.get(f"cursor:{queue}", "0-0")
        return "queued" if order(place[1]) > order(cursor) else "nowhere"

    def lives(self, front: str) -> bool:
        """Whether a front's lease has not expired."""
        return self.fronts.get(front, 0) > self.clock

    def may_be_read(self, place: Place) -> bool:
        """Whether workers of this release know its wire version."""
        return self.versions[place] == WIRE_VERSION


def order(entry: str) -> tuple[int, int]:
    """The parts of an entry's id: ids of a stream rise."""
    ms, _, seq = entry.partition("-")
    return int(ms), int(seq)


def unpadded(member: str) -> str:
    """The entry that a member of a set of waiting ones is."""
    ms, seq = order(member)
    return f"{ms}-{seq}"


def _scores(found: Dump, key: str) -> dict[str, float]:
    return {member.decode(): score for member, score in found.zrange(key, 0, -1, withscores=True)}


def _reply(entry: bytes, fields: dict[bytes, bytes]) -> Reply:
    if b"n" in fields:
        notice = msgspec.json.decode(fields[b"n"])
        return Reply(entry, notice["id"], notice["reason"], False)
    head = msgspec.json.decode(fields[b"h"])
    return Reply(entry, head["id"], "", bool(head.get("more")))
