"""The broker's time as one process knows it, and until when a signed request may be started.

A front signs into each request the time of the broker's clock until which it may be started. So
what somebody has captured can't be run later by whoever may write to the broker. Which clock that
is matters:

- Not the lease clock: it stands in the broker as a value, where the same writer may set it back,
  and it stands still while no process runs. TIME he can't change, and a function of his making
  under the name of one of ours can't forge it: it is asked for with the plain command.
- Not the clocks of the machines of fronts and workers: they may differ by more than any margin.

The broker's clock may be set, or be another one after a failover, while requests signed by the time
before still wait. So each process carries the time on by its own monotonic clock, notices a step
when it looks again, and goes on to accept requests signed by the time before it for as long as one
of them may wait.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

MARGIN = 60_000  # ms a request may be started after its hold: what clocks and trips may differ
STEP = 1_000  # ms; a smaller change is drift
STEPS_KEPT = 8
LOOK_EVERY = 60.0  # seconds between two looks of a worker: clocks drift

QUESTION = ("TIME",)  # the Redis command


class BrokerTime:
    """The broker's clock, carried on between two looks at it. Not thread-safe.

    Args:
        monotonic: seconds of a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._offset: float | None = None  # ms; of the broker's clock to the monotonic one
        self._told_at = 0.0  # seconds of the monotonic clock
        self.doubted = False  # a worker knows it otherwise
        # Until when (ms of the monotonic clock) each offset before the present one counted.
        self._before: deque[tuple[float, float]] = deque(maxlen=STEPS_KEPT)

    @property
    def look_is_due(self) -> bool:
        """Whether the broker has never told its time, or long ago."""
        return self._offset is None or self._monotonic() - self._told_at > LOOK_EVERY

    def asking(self) -> float:
        """To be called before the question is sent; what `told` is to be given."""
        return self._monotonic()

    def told(self, answer: Sequence[bytes], asked_at: float) -> None:
        """Note what the broker says. Its clock was read between the question and now.

        Args:
            answer: to QUESTION: seconds, and microseconds.
            asked_at: what `asking` returned.
        """
        self._told_at = self._monotonic()
        self.doubted = False
        said = int(answer[0]) * 1000 + int(answer[1]) / 1000
        least, most = said - self._told_at * 1000, said - asked_at * 1000
        offset = most if self._offset is None else min(max(self._offset, least), most)
        if self._offset is not None and abs(offset - self._offset) > STEP:
            self._before.append((self._told_at * 1000, self._offset))
        self._offset = offset

    def expiry(self, hold_ms: int) -> int:
        """Until when a request that is signed now may be started (ms of the broker's clock).

        Args:
            hold_ms: how long its client is held still.

        Raises:
            ValueError: the broker has never told its time.
        """
        if self._offset is None:
            raise ValueError("The broker has not told its time.")
        return int(self._monotonic() * 1000 + self._offset + hold_ms + MARGIN)

    def allows(self, expires: int, hold_ms: int) -> bool:
        """Whether a request may be started: it has not expired, and was not signed in the future.

        One signed before the clock was set back looks as if signed in the future.

        Args:
            expires: as signed.
            hold_ms: how long its client was to be held, as signed.
        """
        if self._offset is None:
            return False
        now = self._monotonic() * 1000
        counted = [before for until, before in self._before if now <= until + hold_ms + MARGIN]
        counted.append(self._offset)
        return now + min(counted) <= expires <= now + max(counted) + hold_ms + 2 * MARGIN
