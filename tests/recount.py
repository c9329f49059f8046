"""Counts everything in a namespace anew, and compares it with what the broker has counted.

Between two scripts the two agree, at rest as well as under load; while something runs, read with
nobody writing. Everything is read with plain commands: no code of the product is trusted but the
spelling of keys and records.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import redis

from queueproxy.broker.piece_handover import PIECE_LIVES
from queueproxy.exceptions import DecodeError
from queueproxy.keys import Keys
from queueproxy.records import Group, Held, Lease, Meta, parse

Place = tuple[str, str]  # a queue, and an entry of its stream

DELETED_WITHIN = 1000  # ms: a front deletes pieces that came too late right behind setting them

# Fields named kind:name.
COUNTED = ("waiting", "inflight", "returned", "parked", "in_line", "replies")


def differences(client: redis.Redis, keys: Keys) -> list[str]:
    """What the counters say and is not so, and what belongs to nobody; one sentence each.

    Args:
        client: of the server; whether it decodes replies makes no difference.
        keys: of the namespace.
    """
    pool = client.connection_pool
    options = {**pool.connection_kwargs, "decode_responses": False}
    with redis.Redis(
        connection_pool=redis.ConnectionPool(pool.connection_class, **options)
    ) as undecoded:
        there = Namespace(undecoded, keys)
        undecoded.connection_pool.disconnect()
    return differences_in(there)


def differences_in(there: "Namespace") -> list[str]:
    """The same, of what has been read before."""
    parts = (_counters, _requests, _groups, _fronts, _leftovers)
    return [difference for part in parts for difference in part(there)]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _texts(mapping: Mapping) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in mapping.items()}


class Namespace:
    """All that is in it, read once.

    Args:
        client: does not decode replies.

    Attributes:
        entries: the request that each is, None where it is none.
        held: (front, request id) -> record.
        leases: slot -> record.
        groups: name -> record.
        lines: group -> places of those that stand in its line.
        sets: ``returned:<q>`` and ``parked:<q>:<v>`` -> places of their members.
        replies: front -> bytes that stand there for it.
        pieces: of bodies, by name -> how long they have been there, in milliseconds.
        bodies: name of a body beside a reply -> bytes told, and bytes there.
    """

    def __init__(self, client: redis.Redis, keys: Keys):
        prefix = len(keys.prefix)
        self.names = sorted(_text(key)[prefix:] for key in client.scan_iter(f"{keys.prefix}*"))
        self.state = _texts(client.hgetall(keys.state))
        self.entries: dict[Place, Meta | None] = {
            (queue, _text(entry)): _meta(fields)
            for queue in self.named("queue")
            for entry, fields in client.xrange(keys.named("queue", queue))
        }
        self.held = {
            (front, id): parse(Held, text)
            for front in self.named("held")
            for id, text in _texts(client.hgetall(keys.named("held", front))).items()
        }
        leases = _texts(client.hgetall(keys.leases))
        self.leases = {slot: parse(Lease, text) for slot, text in leases.items()}
        self.sets = {
            f"{kind}:{name}": [
                (name.partition(":")[0], _entry(_text(member)))
                for member in client.zrange(keys.named(kind, name), 0, -1)
            ]
            for kind in ("returned", "parked")
            for name in self.named(kind)
        }
        self.groups = {
            name: parse(Group, text) for name, text in _texts(client.hgetall(keys.groups)).items()
        }
        self.lines = {
            group: [
                (queue, _entry(entry))
                for queue, entry in map(str.split, map(_text, client.zrange(line, 0, -1)))
            ]
            for group, line in ((g, keys.named("line", g)) for g in self.named("line"))
        }
        replies = {
            front: client.xrange(keys.named("replies", front)) for front in self.named("replies")
        }
        self.replies = {front: _reply_bytes(entries) for front, entries in replies.items()}
        self.bodies = {
            _text(fields[b"a"]): (int(fields[b"l"]), client.strlen(keys.named("answer", name)))
            for entries in replies.values()
            for _, fields in entries
            if (name := _text(fields.get(b"a", b"")))
        }
        self.pieces = {
            piece: PIECE_LIVES - client.pttl(keys.named("piece", piece))
            for piece in self.named("piece")
        }
        self.attempts = _texts(client.hgetall(keys.attempts))
        self.flow = {
            worker: _texts(client.hgetall(keys.named("flow", worker)))
            for worker in self.named("flow")
        }
        self.fronts = {_text(front) for front in client.zrange(keys.fronts, 0, -1)}
        self.workers = {_text(worker) for worker in client.zrange(keys.workers, 0, -1)}

    def named(self, kind: str) -> list[str]:
        """The names behind a kind of key."""
        return [name[len(kind) + 1 :] for name in self.names if name.startswith(f"{kind}:")]

    @property
    def in_flight(self) -> set[Place]:
        """Of every lease."""
        return {(lease.queue, lease.entry) for lease in self.leases.values()}

    @property
    def asked(self) -> set[str]:
        """Names of the pieces of bodies that may be there."""
        return {
            f"{lease.id}:{lease.entry}:{lease.attempt}:{number}"
            for lease in self.leases.values()
            for number in range(lease.body_read, lease.body_asked)
        }

    @property
    def waiting(self) -> set[Place]:
        """Of every request that is held and not in flight."""
        held = {(held.queue, held.entry) for held in self.held.values()}
        return held & set(self.entries) - self.in_flight


def _meta(fields: Mapping) -> Meta | None:
    try:
        return parse(Meta, fields.get(b"m", b""))
    except DecodeError:
        return None


def _reply_bytes(entries: Iterable[tuple[bytes, Mapping]]) -> int:
    beside = sum(int(fields.get(b"l", 0)) for _, fields in entries)
    return beside + sum(len(value) for _, fields in entries for value in fields.values())


def _entry(member: str) -> str:
    ms, _, seq = member.partition("-")
    return f"{ms}-{int(seq)}"


def _counters(there: Namespace) -> Iterator[str]:
    lined_up = {place for line in there.lines.values() for place in line}
    found: Counter[str] = Counter(f"waiting:{queue}" for queue, _ in there.waiting - lined_up)
    found.update(f"inflight:{lease.queue}" for lease in there.leases.values())
    for name, members in there.sets.items():
        kind, queue = name.split(":")[:2]
        found[f"{kind}:{queue}"] += len(members)
    for line in there.lines.values():
        found.update(f"in_line:{queue}" for queue, _ in line)
    found.update({f"replies:{front}": size for front, size in there.replies.items()})
    places = there.waiting | there.in_flight
    requests = sum(meta.size for place, meta in there.entries.items() if meta and place in places)
    found["pieces"] = sum(
        (lease.body_asked - lease.body_read) * lease.piece_size for lease in there.leases.values()
    )
    found["bytes"] = requests + found["pieces"] + sum(there.replies.values())
    counted = {
        field: int(value)
        for field, value in there.state.items()
        if field in ("bytes", "pieces") or field.startswith(tuple(f"{kind}:" for kind in COUNTED))
    }
    for field in sorted({*found, *counted}):
        if counted.get(field, 0) != found[field]:
            yield f"{field} is {counted.get(field, 0)}, a recount finds {found[field]}"


def _requests(there: Namespace) -> Iterator[str]:
    """Each entry, record, lease and member of a set belongs to the others."""
    registered = {
        (held.queue, held.entry): (front, id, held) for (front, id), held in there.held.items()
    }
    for place, (front, id, held) in registered.items():
        meta, lease = there.entries.get(place), there.leases.get(held.slot or "")
        if meta is None or (meta.front, meta.id) != (front, id):
            yield f"{id} of {front} is held, and its entry {place} is not there"
        if held.slot and (lease is None or (lease.queue, lease.entry) != place):
            yield f"{id} of {front} is held as in flight, and {held.slot} has no lease of it"
        if not held.slot and place in there.in_flight:
            yield f"{id} of {front} is held as waiting, and in flight"
    for place in there.entries:
        if place not in registered and place not in there.in_flight:
            yield f"entry {place} is nobody's request"
    for place in there.in_flight - set(there.entries):
        yield f"entry {place} is in flight and not there"
    for name, members in there.sets.items():
        for place in members:
            if place not in there.entries or place in there.in_flight:
                yield f"{place} in {name} does not wait"


def _groups(there: Namespace) -> Iterator[str]:
    """Each counts what is there, and runs as many as may by what was told last, where that stays
    the same; who stands in a line waits, and stands nowhere else."""
    waiting: Counter[str | None] = Counter()
    sizes: Counter[str | None] = Counter()
    for held in there.held.values():
        waiting[held.group] += not held.slot
        sizes[held.group] += held.size if not held.slot else 0
    running = Counter(lease.group for lease in there.leases.values())
    for name in sorted({*waiting, *running, *there.groups} - {None}):
        group = there.groups.get(name, Group(0, 0, 0, 0))
        found = Group(group.at_most, running[name], waiting[name], sizes[name])
        if group != found:
            yield f"{name} is {group}, a recount finds {found}"
        if running[name] > group.at_most:
            yield f"{running[name]} of the group {name} run, {group.at_most} may"
        if not running[name] + waiting[name]:
            yield f"nothing is of the group {name}"
    for name, members in there.lines.items():
        for queue, entry in members:
            place = (queue, entry)
            if place not in there.waiting or getattr(there.entries.get(place), "group", "") != name:
                yield f"{place} in the line of {name} does not wait there"
            if any(place in found for found in there.sets.values()):
                yield f"{place} in the line of {name} stands elsewhere too"


def _fronts(there: Namespace) -> Iterator[str]:
    """What belongs to a front is there while the front is listed."""
    of_fronts = [f"held:{front}" for front in there.named("held")]
    of_fronts += [field for field in there.state if field.startswith("replies:")]
    for name in of_fronts:
        if name.partition(":")[2] not in there.fronts:
            yield f"{name} is of no front on the list"


def _leftovers(there: Namespace) -> Iterator[str]:
    """What goes with a request or a worker."""
    ids = {meta.id for meta in there.entries.values() if meta}
    for piece, age in there.pieces.items():
        if piece not in there.asked and age > DELETED_WITHIN:
            yield f"piece:{piece} is of no request in flight that has asked for it"
    for name, (told, found) in there.bodies.items():
        if told != found:
            yield f"answer:{name} has {found} bytes, its reply says {told}"
    for member in there.attempts:
        if member.partition(" ")[0] not in ids:
            yield f"attempts of {member}, which is over"
    running = {lease.id for lease in there.leases.values()}
    for worker, members in there.flow.items():
        if worker not in there.workers:
            yield f"flow:{worker} is of no worker on the list"
        for member in members:
            if member.partition(" ")[0] not in running:
                yield f"flow:{worker} has {member}, which is over"
