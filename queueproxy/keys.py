"""Every key queueproxy keeps in Redis: its type, members, owner and lifetime.

Read this and records.py first: together they are all that is in the broker. All keys of a
namespace share one hash tag, so in a cluster they live in one slot. They are spelled by `Keys` and
by `key` of scripts/_common.lua; a test holds the kinds used there to this list.

``state`` hash: what the scripts know of the whole; changed by them alone, lives as long as the
    namespace. A script collects its changes and writes them at its end, also where it errs in the
    middle: so the counters always are those of a recount (see `register` in scripts/_call.lua).
    ``run``            run_id of the server these keys were last agreed on with (the epoch)
    ``schema``         records.SCHEMA of the release that wrote the keys; missing is 1
    ``bytes``          in the broker: of requests (heads, small bodies, the pieces of large ones
                       that their workers have asked for), and of answers that their fronts have
                       not read
    ``pieces``         of ``bytes``, those pieces
    ``replies:<front>`` of ``bytes``, those in the replies of one front; goes with its place on
                       the list
    ``waiting:<q>``    requests neither claimed nor withdrawn, but for those in a line
    ``in_line:<q>``    those that stand in the line of their group; with the waiting, the depth
    ``inflight:<q>``   claimed and not yet answered
    ``cursor:<q>``     entry id of the last request taken from the stream
    ``returned:<q>``   how many of the waiting were handed back and go first
    ``parked:<q>``     how many of the waiting are in a wire version no worker has known yet
    ``clock``          the lease clock (`lease_clock` in scripts/_call.lua): ms when it was set,
                       ms (Redis time) then, shortest lease (ms), until when that counts
    ``paused:<q>``     milliseconds (lease clock) at which the pause ends
    ``pace:<q>``       ms between two starts after a paced resume; ends when nothing waits
    ``next:<q>``       ms (lease clock) of the next start allowed by the pace
    ``sampled``        second (Redis time) of the last row of history
    ``routes_since``   second (Redis time) since when times are counted by route
    ``fence:<q>``      last entry id of the epoch before; what is unsafe up to it may have run
    ``activation``     which release serves, an `Activation`; missing where none was ever activated
``queue:<q>`` stream: one entry a request, waiting or in flight; added by enqueue, deleted when the
    request is over. Fields: ``v`` wire version, ``h`` head (JSON), ``b`` body, ``s`` signature;
    for the scripts ``m``, a `Meta`, and ``c``, the time of its arrival (ms, lease clock).
``returned:<q>`` sorted set: entry ids (sequence padded) handed back by a drain or reclaimed from a
    lost worker; claimed before the stream goes on, gone with that. The score is 0, or, for one that
    is put off, from when it may be claimed (ms, lease clock).
``parked:<q>:<v>`` sorted set, all scores 0: entries, as in ``returned``, in a wire version that a
    worker didn't know. ``parked:<q>:@<release>``: those that are for one release alone (`release
    smoke`), from their arrival on.
``groups`` hash: name of a group -> how many of its requests run and wait, a `Group`; while any
    does. A group is what a view lets run at most so many times at once (policy ``at_most``).
``line:<group>`` sorted set, all scores 0: ``queue entry`` (sequence padded) of its requests that a
    claim passed over, for as many of them ran as may. When fewer do, the first of each queue goes
    to ``returned``; gone with the last.
``bell:<q>`` list of at most one token: pushed when a request waits, popped by one idle worker. The
    bell of ``flow@<worker>``: pushed when something in its ``flow`` has changed, popped by that
    worker; goes with it. The bell of ``body@<worker>/<thread>``: pushed when pieces of the body of
    the request in that slot have come, popped by the thread; goes with the lease. The bell of
    ``@<worker>``: pushed for each idle thread that is to stop, or to look what it may claim now:
    another release is active, or a request is for this one alone.
``leases`` hash: slot (``worker/thread``, or one of an event loop) -> the one request it holds, a
    `Lease`; from its claim until it is settled, or its worker is given up.
``attempts`` hash: ``id entry`` of a request -> attempts used up; only for requests handed back,
    until they are over.
``workers`` sorted set: worker id -> when its lease expires (ms, lease clock). Leaving it is being
    fenced.
``worker:<id>`` hash: what ``status`` shows of it (JSON in ``info``; ``completed``, ``state``,
    ``memory``); goes with its place on the list.
``fronts`` sorted set: front id -> when its lease expires (ms, lease clock).
``front:<id>`` hash: ``info`` (JSON), ``joined`` (ms), ``seq`` (number of the last enqueue taken
    from it), ``counted`` (of its last count_refusals); goes with its place on the list.
``held:<front>`` hash: request id -> a `Held`; from enqueue until the request is answered, withdrawn
    or dropped. An entry not in it is wanted by nobody: it is not started, its answer is not sent.
    An id may be enqueued again while an entry of it is in flight still, where its front was given
    up meanwhile and comes back: then the new entry is held, and the old one is wanted no more.
``replies:<front>`` stream: reply frames (``v h b s``), notices (``n``, JSON) and what workers want
    of the bodies it keeps (``w``, JSON) for one front, read from a position and trimmed behind it;
    expires with its front. Of a frame with a large body it has, in the place of ``b``, its bytes
    ``l`` and the name ``a`` of an ``answer``.
``answer:<id>:<attempt>:<seq>:<nonce>`` string: the large body of one frame, beside the scripts,
    which copy each byte they are given. Written by the worker in the same write as the script that
    adds the frame to ``replies``; counted with it and deleted when that is trimmed, or at once
    where the script adds nothing. Each write has a name of its own, so that none overwrites or
    deletes what another has written. Goes with its front; what a broken connection leaves expires.
``piece:<id>:<entry>:<attempt>:<n>`` string: a piece of a body that its front keeps, set by that as
    the worker of the attempt asks for it; deleted once it is read, or with the lease; expires.
``flow:<worker>`` hash: ``id entry`` of a request -> how far the client of its answer is: bytes of
    the stream that it has taken since the beginning (never fewer than before), or ``left``. Written
    by fronts, again at will; a member goes with its lease, the whole with its worker.
``pauses`` hash: ``queue owner`` -> JSON of a pause: by whom, why, since (s), and when it ``ends``
    (ms, lease clock). The owner is a person (``user@host``, a login) or ``hold:<token>``, whose
    pause ends with the hold in ``holds``. A queue is paused until the latest end of its pauses.
``holds`` sorted set: token of a hold whose command runs -> when it lapses unless renewed (ms, lease
    clock).
``dead`` stream, capped: dead letters.
``answered:<kind>`` list, capped: what is kept of requests that are over, newest last: JSON arrays,
    each an `AnsweredRequest` (broker/answered.py). ``notable``: of those that failed, ran again,
    took a second or whose clients left; ``ordinary``: of all others that a worker has ended;
    ``refused``: of those that their fronts have answered. Expires a day after the last.
``retrying:<id>`` string: somebody runs that dead letter again now; expires.
``routes`` hash: what workers publish of their URLs for the fronts: ``table``, a `SignedTable`
    (route_table.py), ``digest``, which names it, and ``worker``, who published it. Replaced when
    another release begins to serve or that worker has gone; lives as long as the namespace.
``table:<release>`` hash: as ``routes``, of a release that stands by, to take its place as it is
    activated; expires a week after its workers have gone.
``release:<release>`` hash: of one that stands by, serves, or has: ``since`` (ms, Redis time) its
    first worker came, ``activated`` (the same), and ``retires``, when its workers are to end (ms,
    lease clock) unless it is activated before. Expires a week after its workers have gone.
``boot_failures`` hash: ``host release`` -> JSON of why processes of it did not come up there; until
    some do (where nobody stands by, of whichever release), or for a day.
``scaling`` hash: supervisor (``host:pid``) that follows the load -> JSON of how many processes it
    wants and why, and when that was said (``at``: ms, lease clock); a member goes as its supervisor
    ends, or when that has been silent for a minute.
``history:<step>`` list, capped: rows of history every 1, 10 and 300 seconds (scripts/sample.lua);
    in ``history:deploys`` when workers of another release came (scripts/worker_join.lua).
    ``history:routes:<length>:<begin>`` hash: route, as `route_counts` names it -> what is counted
    of its requests in a period of 60, 600 or 10,800 seconds (scripts/_route_times.lua). A hundred
    routes at most, the rest under ``(other)``; ``=`` where a minute has been added to the longer
    periods. Expires once it is older than any window that shows it.
``stats:<q>`` hash: totals and histogram buckets since the namespace began. ``stats:@<release>``:
    those of all queues by one release, once any was activated; expires as ``release:<release>``.
"""

import re

PLAIN = (
    *("state", "leases", "attempts", "groups", "workers", "fronts"),
    *("pauses", "holds", "dead", "routes", "boot_failures", "scaling"),
)
NAMED = (
    "queue",
    "returned",
    "parked",
    "line",
    "bell",
    "worker",
    "front",
    "held",
    "replies",
    "answer",
    "piece",
    "flow",
    "stats",
    "history",
    "retrying",
    "answered",
    "table",
    "release",
)


class Keys:
    """The keys of one namespace, as text.

    Args:
        namespace: the setting ``NAMESPACE``; no braces.
    """

    def __init__(self, namespace: str):
        if not re.fullmatch(r"[^{}\s]+", namespace):
            raise ValueError(f"Not a namespace: {namespace!r}")
        self.prefix = f"{{{namespace}}}:"
        self.state = self.prefix + "state"
        self.leases = self.prefix + "leases"
        self.attempts = self.prefix + "attempts"
        self.groups = self.prefix + "groups"
        self.workers = self.prefix + "workers"
        self.fronts = self.prefix + "fronts"
        self.pauses = self.prefix + "pauses"
        self.holds = self.prefix + "holds"
        self.dead = self.prefix + "dead"
        self.routes = self.prefix + "routes"
        self.boot_failures = self.prefix + "boot_failures"
        self.scaling = self.prefix + "scaling"

    def named(self, kind: str, name: str) -> str:
        """Spell the key of one queue, worker, front or request; ``kind`` as in the list above."""
        if kind not in NAMED:
            raise ValueError(f"Not a kind of key: {kind!r}")
        return f"{self.prefix}{kind}:{name}"
