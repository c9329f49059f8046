"""One request as it was found, and what is known of it in two places joined."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

WAITING, RUNNING, ANSWERED, LEFT, DEAD_LETTER = "waiting", "running", "answered", "left", "dead"
TURNED_AWAY = "refused"  # by its front, with 502, 503 or 504


class Moment(NamedTuple):
    """One step of a request.

    Attributes:
        what: ``arrived``, ``queued``, ``claimed``, ``first_byte``, ``settled``; ``refused`` where
            its front has answered, ``left`` where its client has gone.
        at: seconds; of the broker's clock, but for ``arrived``, ``refused`` and ``left``, of the
            front's.
        by: which process.
    """

    what: str
    at: float
    by: str = ""


@dataclass(frozen=True)
class FoundRequest:
    """A request and what has become of it. What is not known of it is empty.

    Attributes:
        state: one of those at the top of this module.
        entry: its entry in the stream of its queue.
        path: as it was asked for; of what is answered only the route is kept.
        attempts: how often it was started.
        answering: whether it runs, and its answer has begun.
        reason: why it is a dead letter; ``letter`` is the id of that. Where its front has answered,
            what that said.
    """

    request_id: str
    state: str
    queue: str
    entry: str
    method: str
    moments: tuple[Moment, ...]
    path: str = ""
    route: str = ""
    status: int = 0
    attempts: int = 0
    answering: bool = False
    release: str = ""
    reason: str = ""
    letter: str = ""

    def as_json(self) -> dict[str, Any]:
        """Say all of it."""
        found = {field: getattr(self, field) for field in self.__dataclass_fields__}
        return {**found, "moments": [moment._asdict() for moment in self.moments]}


def joined(found: Iterable[FoundRequest]) -> Iterator[FoundRequest]:
    """Join what a front tells of a request with what has become of it elsewhere.

    Both name the moment, in ms of the front's clock, when it was taken in.
    """
    of_fronts, others = {}, []
    for one in found:
        if one.entry or one.moments[0].what != "arrived":
            others.append(one)
        else:
            of_fronts[one.method, one.moments[0].at] = one
    for one in others:
        told = of_fronts.pop((one.method, one.moments[0].at), None)
        yield one if told is None else _told_of(one, told)
    yield from of_fronts.values()


def _told_of(one: FoundRequest, told: FoundRequest) -> FoundRequest:
    """Say of a request what its client has got. A dead letter stays one."""
    arrived, *moments = (*one.moments, *told.moments[1:])
    moments.sort(key=lambda moment: moment.at)
    buried = one.state == DEAD_LETTER
    return replace(
        one,
        state=DEAD_LETTER if buried else told.state,
        reason=one.reason if buried else told.reason,
        status=told.status,
        moments=(arrived, *moments),
    )
