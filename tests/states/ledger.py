"""What must hold from one call to the next, whoever calls: moves, starts, answers, leases."""

from collections import Counter
from dataclasses import dataclass, field

from ..recount import Place, differences_in
from .pauses import Pauses
from .snapshot import Reply, Snapshot, Start
from .table import ENDS, NEW, RUNNING, WAITING, Move, ways

LONGEST_STEP = 60_000  # ms: a third of a lease, where no worker has told a shorter one
QUIET = ("withdrawn", "dropped")


@dataclass
class Call:
    """One call of a script, or the same again until its reply came.

    Attributes:
        script: its name.
        sent: (front, id) of requests that it puts on queues.
        reaped: worker that it takes off the list, or front.
        unrun: place of a request that its worker hands back without having run it.
    """

    script: str
    sent: set[tuple[str, str]] = field(default_factory=set)
    reaped: str = ""
    unrun: Place | None = None


class Ledger:
    """Keeps what the broker itself forgets.

    Attributes:
        started: how often each request has been started, without those handed back unrun.
        forgotten: places of what must not run twice, from the epoch before.
        pauses: as people and holds made them.
        releases: by worker, the name of its release.
        seen: how often each move was made.
    """

    def __init__(self):
        self.started: Counter[Place] = Counter()
        self.forgotten: set[Place] = set()
        self.pauses = Pauses()
        self.releases: dict[str, str] = {}
        self.seen: Counter[Move] = Counter()

    def check(self, call: Call, before: Snapshot, after: Snapshot) -> dict[Place, str]:
        """See that one call was right; the states that have changed, ends among them.

        Raises:
            AssertionError: it was not.
        """
        told = _new_replies(before, after)
        changed = _changes(call, before, after, told)
        for place, target in changed.items():
            self._check_move(call, before.states.get(place, NEW), target, place)
            if target in ENDS:
                _check_end(call, before, place, target)
        _check_replies(call, before, after, changed, told)
        _check_lists(call, before, after)
        if call.unrun in changed:
            self.started[call.unrun] -= 1
        for place, start in after.starts.items():
            if before.starts.get(place) != start:
                self._check_start(call, place, start, before, after)
        wrong = differences_in(after.there)
        assert not wrong, wrong
        for front, id in call.sent:
            for reply in told.get((front, id), ()):
                if (front, id) not in _held(before):
                    assert reply.reason, f"{id} is answered as it is sent"
                    self.seen[Move(NEW, "refused", call.script)] += 1
        return changed

    def _check_move(self, call: Call, source: str, target: str, place: Place) -> None:
        way = ways(source, target, call.script)
        assert way, f"{call.script} moved {place} from {source!r} to {target!r}"
        self.seen.update(way)

    def _check_start(
        self, call: Call, place: Place, start: Start, before: Snapshot, after: Snapshot
    ) -> None:
        meta = after.metas[place]
        self.started[place] += 1
        assert self.started[place] <= meta.max_attempts, f"{meta.id} starts once more than it may"
        assert place not in self.forgotten, f"{meta.id} may have been started before the failover"
        assert not self.pauses.stop(place[0], after.clock), f"{meta.id} starts in a pause"
        assert before.fronts.get(meta.front, 0) > before.clock, f"{meta.id} starts for nobody"
        ends = after.arrivals[place] + meta.hold_ms
        assert ends > before.clock, f"{meta.id} starts when its hold is over"
        worker = start.slot.rpartition("/")[0]
        release = self.releases[worker]
        assert worker in before.workers, f"{worker} was given up, and starts {meta.id}"
        if meta.release:
            assert meta.release == release, f"{release} starts {meta.id} of {meta.release}"
        elif before.active:
            assert before.active == release, f"{release} starts {meta.id} and stands by"

    def new_epoch(self, before: Snapshot) -> None:
        """Note what the broker may have forgotten to have started."""
        self.forgotten |= {p for p, meta in before.metas.items() if meta.max_attempts == 1}

    def flushed(self) -> None:
        """The broker has forgotten everything."""
        self.pauses = Pauses()
        self.forgotten.clear()


def _check_end(call: Call, before: Snapshot, place: Place, target: str) -> None:
    """See that no trial is a dead letter, and others are whose last run was lost."""
    trial = place in before.metas and before.metas[place].release
    if target == "buried":
        assert not trial, f"{place} is a trial, and a dead letter"
    elif target == "refused" and before.states.get(place) in RUNNING:
        lost = call.script != "settle_and_claim" or before.states[place] == "streaming"
        assert trial or not lost, f"{place} was {before.states[place]}, and is no dead letter"


def _held(snapshot: Snapshot) -> dict[tuple[str, str], Place]:
    return {
        (snapshot.metas[place].front, snapshot.metas[place].id): place for place in snapshot.held
    }


def _new_replies(before: Snapshot, after: Snapshot) -> dict[tuple[str, str], list[Reply]]:
    told: dict[tuple[str, str], list[Reply]] = {}
    for front, replies in after.replies.items():
        old = {reply.entry for reply in before.replies.get(front, ())}
        for reply in replies:
            if reply.entry not in old:
                told.setdefault((front, reply.id), []).append(reply)
    return told


def _changes(call: Call, before: Snapshot, after: Snapshot, told: dict) -> dict[Place, str]:
    letters = after.letters[len(before.letters) :]
    changed = {}
    for place in {*before.states, *after.states}:
        target = after.states.get(place) or _end(call, place, before, told, letters)
        again = place in after.starts and after.starts[place] != before.starts.get(place)
        if target != before.states.get(place) or again:
            changed[place] = target
    return changed


def _end(call: Call, place: Place, before: Snapshot, told: dict, letters: list[Place]) -> str:
    """How a request ended that is no longer there."""
    if place in letters:
        return "buried"
    meta = before.metas[place]
    final = [reply for reply in told.get((meta.front, meta.id), ()) if not reply.more]
    if final and place in before.held:
        return "refused" if final[0].reason else "answered"
    return "withdrawn" if call.script == "withdraw" else "dropped"


def _check_replies(
    call: Call, before: Snapshot, after: Snapshot, changed: dict[Place, str], told: dict
) -> None:
    """Who is held and ends is told once; nobody else is told anything."""
    held = _held(before)
    for (front, id), replies in told.items():
        assert (front, id) in held or (front, id) in call.sent, f"{id} of nobody is answered"
        assert sum(not reply.more for reply in replies) <= 1, f"{id} is answered twice"
        place = held.get((front, id))
        if place and not all(reply.more for reply in replies):
            assert place not in after.states, f"{id} is answered, and {after.states[place]}"
    for place, target in changed.items():
        if place in after.states or before.states.get(place) not in WAITING + RUNNING:
            continue
        meta = before.metas[place]
        gone = call.reaped == meta.front or not after.lives(meta.front)
        if target == "dropped":
            assert gone, f"{meta.id} is dropped, and nobody told"
        elif target not in QUIET:
            assert gone or (meta.front, meta.id) in told, f"{meta.id} is {target}, and nobody told"


def _check_lists(call: Call, before: Snapshot, after: Snapshot) -> None:
    """The lease clock goes on steadily, and takes nobody off before his time."""
    assert 0 <= after.clock - before.clock <= LONGEST_STEP, "the lease clock jumped"
    for then, now in ((before.workers, after.workers), (before.fronts, after.fronts)):
        for name in {*then} - {*now} - {call.reaped}:
            assert then[name] <= after.clock, f"{name} is given up before its time"
