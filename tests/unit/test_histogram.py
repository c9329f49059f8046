"""Percentiles from buckets, as Prometheus' histogram_quantile gives them."""

import random

import pytest

from queueproxy.broker.counters import Counters
from queueproxy.broker.observe.histogram import BOUNDS, Histogram, bucket_of, summed


def histogram_of(*seconds: float) -> Histogram:
    histogram = Histogram()
    for one in seconds:
        histogram.buckets[bucket_of(one)] += 1
        histogram.seconds += one
    return histogram


def test_a_bucket_holds_its_upper_end():
    assert histogram_of(0.005).buckets[:2] == [1, 0]
    assert histogram_of(0.0050001).buckets[:2] == [0, 1]
    assert histogram_of(0).buckets[0] == 1
    assert histogram_of(120).buckets[-2:] == [1, 0]
    assert histogram_of(120.1).buckets[-2:] == [0, 1]


def test_without_any_there_is_no_percentile():
    assert Histogram().percentile(0.5) is None


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 0.1), (0.25, 0.175), (0.5, 0.25), (0.75, 0.375), (1.0, 0.5)],
)
def test_within_a_bucket_in_proportion(share, expected):
    """Two in (0.1, 0.25], two in (0.25, 0.5]."""
    histogram = histogram_of(0.2, 0.2, 0.3, 0.3)
    assert histogram.percentile(share) == pytest.approx(expected)


def test_the_first_bucket_begins_at_nothing():
    assert histogram_of(0.001, 0.001).percentile(0.5) == pytest.approx(0.0025)


def test_empty_buckets_are_passed_over():
    assert histogram_of(0.001, 50).percentile(0.75) == pytest.approx(45)


def test_what_lies_above_the_last_bound_counts_as_that():
    assert histogram_of(1000).percentile(0.5) == 120


def test_within_one_bucket_of_the_true_percentile():
    random.seed(5)
    times = sorted(random.lognormvariate(-2, 1.5) for _ in range(5000))
    histogram = histogram_of(*times)
    for share in (0.5, 0.95, 0.99):
        true = times[int(share * len(times))]
        assert bucket_of(histogram.percentile(share)) == bucket_of(true)


def test_sums_and_differences():
    total = summed([histogram_of(0.2, 7), histogram_of(7)])
    assert total.count == 3
    assert total.seconds == pytest.approx(14.2)
    recent = total.since(histogram_of(0.2, 7).buckets)
    assert recent.buckets[bucket_of(7)] == recent.count == 1
    assert Histogram().since(total.buckets).count == 0  # the counters began anew
    assert len(total.buckets) == len(BOUNDS) + 1


def test_an_answer_counts_three_times_and_the_answer():
    counters = Counters()
    counters.add("low", 0.2, 0.3, "GET", 200)
    completed, routes, *rest = counters.take()
    assert (completed, routes) == (1, 0)
    counted = {rest[at + 1]: rest[at + 2] for at in range(0, len(rest), 3)}
    assert {rest[at] for at in range(0, len(rest), 3)} == {"low"}
    assert counted == {
        f"wait:{bucket_of(0.2) + 1}": 1,
        "wait:us": 200_000,
        f"run:{bucket_of(0.3) + 1}": 1,
        "run:us": 300_000,
        f"duration:{bucket_of(0.5) + 1}": 1,
        "duration:us": 500_000,
        "code:GET:200": 1,
    }
    assert counters.take() == [0, 0]


def test_clients_can_not_make_counters():
    """Methods are free text; one counter each would let any client fill the broker."""
    counters = Counters()
    for number in range(50):
        counters.add("low", 0, 0, f"BREW{number}", 200)
    codes = [name for name in counters.take()[3::3] if name.startswith("code:")]
    assert codes == ["code:OTHER:200"]
