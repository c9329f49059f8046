"""Finds what is wrong with the settings as a whole: values that can never work together."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .broker.front_broker import memory_for_requests
from .envelopes import PIECE_DIGEST, PIECE_SIZE
from .setting_rules import HEAD_ROOM, SMALLEST_REQUEST
from .signing import DIGEST_OVER
from .wording import did_you_mean

if TYPE_CHECKING:
    from .conf import Settings


class Problem(NamedTuple):
    """One thing wrong with the settings or the server; the code is W... or E... and a number."""

    code: str
    message: str
    hint: str

    @property
    def is_warning(self) -> bool:
        """Whether one can go on with it."""
        return self.code.startswith("W")


def problems_between(settings: "Settings", *, known_queues: bool) -> Iterator[Problem]:
    """List what is wrong between values that are right by themselves.

    Args:
        settings: with defaults for what is wrong.
        known_queues: whether QUEUES itself is right.
    """
    yield from _problems_of_times(settings)
    yield from _problems_of_sizes(settings)
    if known_queues and not isinstance(settings.routes, str):
        for rule in settings.routes:
            if rule["queue"] not in settings.queues:
                yield Problem(
                    "E006",
                    f"QUEUEPROXY['ROUTES'] names {rule['queue']!r}, which QUEUES does not."
                    f"{did_you_mean(rule['queue'], settings.queues)}",
                    "Add it to QUEUES, or correct the rule.",
                )
    if known_queues:
        for name, keys in settings.policies.items():
            if keys.get("queue") is not None and keys["queue"] not in settings.queues:
                yield Problem(
                    "E006",
                    f"QUEUEPROXY['POLICIES'] names {keys['queue']!r} for {name!r}, which QUEUES "
                    f"does not.{did_you_mean(str(keys['queue']), settings.queues)}",
                    "Add it to QUEUES, or correct the policy.",
                )


def _problems_of_times(settings: "Settings") -> Iterator[Problem]:
    lease, max_hold = settings.lease, settings.max_hold
    if lease >= max_hold:
        yield Problem(
            "E004",
            f"QUEUEPROXY: LEASE ({lease} s) is not shorter than MAX_HOLD ({max_hold} s).",
            "A lost worker would be found only after its clients were turned away: lower LEASE.",
        )
    elif lease > max_hold / 2:
        yield Problem(
            "W006",
            f"QUEUEPROXY: LEASE ({lease} s) is longer than half of MAX_HOLD ({max_hold} s).",
            "What a lost machine ran can be run again only after LEASE, and then has less time "
            "left than it had: lower LEASE.",
        )


def _problems_of_sizes(settings: "Settings") -> Iterator[Problem]:
    for_requests = memory_for_requests(settings.max_memory)
    # Of a front's memory bodies may use half, and heads count too: see front/memory.py.
    room = settings.front_spool + settings.front_memory // 2 - HEAD_ROOM
    if settings.max_body > room:
        yield Problem(
            "E005",
            f"QUEUEPROXY: MAX_BODY ({settings.max_body} bytes) does not fit into FRONT_SPOOL "
            f"({settings.front_spool} bytes) and the half of FRONT_MEMORY that is for bodies, with "
            f"room for {max(0, room)} bytes beside a head.",
            "Such a body could never be taken in: raise FRONT_SPOOL or lower MAX_BODY.",
        )
    elif _largest_entry(settings.max_body) > for_requests:
        yield Problem(
            "E005",
            f"QUEUEPROXY: what of the largest request goes into the queue (with its headers up to "
            f"{_largest_entry(settings.max_body)} bytes) does not fit into the three quarters of "
            f"MAX_MEMORY that are for requests ({for_requests} bytes).",
            "Such a request could never be queued: raise MAX_MEMORY or lower MAX_BODY.",
        )
    elif settings.max_depth * SMALLEST_REQUEST > for_requests:
        yield Problem(
            "W007",
            f"QUEUEPROXY: MAX_DEPTH ({settings.max_depth}) requests, though each were as small as "
            f"can be, do not fit into what of MAX_MEMORY is for requests ({for_requests} bytes).",
            "MAX_MEMORY will be used up long before: lower MAX_DEPTH or raise MAX_MEMORY.",
        )


def _largest_entry(max_body: int) -> int:
    """Bytes: a small body goes with its request, of a large one only the digests of its pieces."""
    digests = (max_body // PIECE_SIZE + 1) * PIECE_DIGEST
    return HEAD_ROOM + max(min(max_body, DIGEST_OVER), digests)
