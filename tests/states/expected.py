"""Which requests a claim must not pass over."""

from ..recount import Place
from .actors import SlotActor
from .base import Base
from .site import QUEUES
from .snapshot import Snapshot, order

WITHOUT_QUESTION = ("queued", "returned", "put off")


def could_start(machine: Base, slot: SlotActor, seen: Snapshot, place: Place, clock: int) -> bool:
    """Whether a claim by this slot that looks at the request must start it.

    Of groups nothing is said here: who of them goes first depends on the others.

    Args:
        seen: what it claims from.
        clock: before it does, ms.
    """
    now, meta = machine.now, seen.metas[place]
    release = machine.ledger.releases[slot.asks.worker]
    serves = not seen.active or seen.active == release
    return (
        serves
        and seen.states[place] in WITHOUT_QUESTION
        and not (meta.group or meta.release)
        and seen.may_be_read(place)
        and place not in machine.ledger.forgotten
        and not machine.ledger.pauses.may_stop(place[0], clock)
        and seen.fronts.get(meta.front, 0) > now.clock
        and seen.arrivals[place] + meta.hold_ms > now.clock
        and seen.put_off.get(place, 0) <= clock
    )


def see_that_none_could_start(machine: Base, slot: SlotActor, before: Snapshot) -> None:
    """Nothing was claimed: nothing is there that should have been."""
    now = machine.now
    passed = [place for place in now.states if could_start(machine, slot, now, place, before.clock)]
    assert not passed, f"nothing was claimed, and {passed} wait"


def see_that_others_do_not_go_first(machine: Base, slot: SlotActor, before: Snapshot) -> None:
    """One was claimed for the first time: of a queue before its own none could start, nor any that
    came before it.
    """
    claim = slot.claim
    ahead = QUEUES[: QUEUES.index(claim.queue)]
    for place in machine.now.states:
        seen = place in before.states
        if seen and could_start(machine, slot, before, place, before.clock):
            assert place[0] not in ahead, f"{claim.id} is claimed before {place} of a queue ahead"
            came_before = place[0] == claim.queue and order(place[1]) < order(claim.entry)
            plain = before.states.get((claim.queue, claim.entry)) == "queued"
            assert not (came_before and plain), f"{claim.id} is claimed before {place}"
