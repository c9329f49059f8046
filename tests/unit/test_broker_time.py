"""Until when a request may be started, at each limit and across steps of the broker's clock."""

import pytest

from queueproxy.broker.broker_time import LOOK_EVERY, MARGIN, STEPS_KEPT, BrokerTime

HOLD = 30_000  # ms
HOUR = 3_600_000  # ms
NOON = 1_700_000_000_000  # ms of the broker's clock


class Clocks:
    """A monotonic clock, and the broker's: both in ms."""

    def __init__(self):
        self.passed = 5_000.0
        self.broker = float(NOON)

    def run(self, ms: float) -> None:
        self.passed += ms
        self.broker += ms

    def time(self) -> BrokerTime:
        return BrokerTime(lambda: self.passed / 1000)

    def tell(self, time: BrokerTime, *, going: float = 0, coming: float = 0) -> None:
        """The broker is asked; the trips there and back take so many ms."""
        asked = time.asking()
        self.run(going)
        seconds, ms = divmod(self.broker, 1000)
        self.run(coming)
        time.told([str(int(seconds)).encode(), str(int(ms * 1000)).encode()], asked)


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def front(clocks):
    front = clocks.time()
    clocks.tell(front)
    return front


@pytest.fixture
def worker(clocks):
    worker = clocks.time()
    clocks.tell(worker)
    return worker


def test_it_may_be_started_until_its_hold_and_the_margin_are_over(clocks, front, worker):
    expires = front.expiry(HOLD)
    assert expires == NOON + HOLD + MARGIN
    clocks.run(HOLD + MARGIN)
    assert worker.allows(expires, HOLD)
    clocks.run(1)
    assert not worker.allows(expires, HOLD)


def test_it_may_not_be_signed_further_ahead_than_a_front_signs(worker):
    latest = NOON + HOLD + 2 * MARGIN
    assert worker.allows(latest, HOLD)
    assert not worker.allows(latest + 1, HOLD)


def test_time_goes_on_between_two_looks(clocks, front):
    clocks.run(10_000)
    assert front.expiry(0) == NOON + 10_000 + MARGIN


def test_nothing_is_known_before_the_first_look(clocks):
    time = clocks.time()
    assert time.look_is_due
    assert not time.allows(NOON, HOLD)
    with pytest.raises(ValueError, match="has not told"):
        time.expiry(HOLD)


def test_a_look_is_due_now_and_then(clocks, worker):
    clocks.run(LOOK_EVERY * 1000)
    assert not worker.look_is_due
    clocks.run(1)
    assert worker.look_is_due
    clocks.tell(worker)
    assert not worker.look_is_due


@pytest.mark.parametrize(("going", "coming"), [(4_000, 0), (0, 4_000), (2_000, 2_000)])
def test_slow_trips_are_no_step(clocks, front, going, coming):
    """A frozen broker or process: the answer fits what is known."""
    clocks.tell(front, going=going, coming=coming)
    assert front.expiry(0) == clocks.broker + MARGIN


@pytest.mark.parametrize("step", [HOUR, -HOUR])
@pytest.mark.parametrize("knows", [True, False], ids=["worker looks first", "worker looks last"])
def test_steps_refuse_nobody(clocks, front, worker, step, knows):
    before = front.expiry(HOLD)
    clocks.broker += step
    if knows:
        clocks.tell(worker)
    assert worker.allows(before, HOLD)
    assert worker.allows(front.expiry(HOLD), HOLD)  # its front doesn't know yet
    clocks.tell(front)
    after = front.expiry(HOLD)
    if not knows:
        assert not worker.allows(after, HOLD)  # so it asks
        clocks.tell(worker)
    assert worker.allows(before, HOLD)
    assert worker.allows(after, HOLD)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_after_a_step_nothing_captured_lives_longer(clocks, front, worker, step):
    before = front.expiry(HOLD)
    clocks.broker += step
    clocks.tell(worker)
    clocks.run(HOLD + MARGIN)
    assert worker.allows(before, HOLD)
    clocks.run(1)
    assert not worker.allows(before, HOLD)
    clocks.tell(front)
    assert worker.allows(front.expiry(HOLD), HOLD)


def test_drift_is_followed(clocks, worker):
    """Clocks run apart by a few seconds a day."""
    for _ in range(1_000):
        clocks.run(60_000)
        clocks.broker += 400
        clocks.tell(worker)
    assert worker.allows(int(clocks.broker), 0)
    assert not worker.allows(int(clocks.broker) - 1_000, 0)


def test_steps_are_kept_within_bounds(clocks, worker):
    for _ in range(10 * STEPS_KEPT):
        clocks.broker += HOUR
        clocks.tell(worker)
    assert len(worker._before) <= STEPS_KEPT
