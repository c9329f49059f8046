"""The memory of a worker over its life: few points, evenly apart, from the first to the last."""

import itertools

from queueproxy.worker.memory_log import MOST, MemoryLog


def log_of(beats: int) -> MemoryLog:
    log = MemoryLog()
    for beat in range(beats):
        log.note(beat)
    return log


def test_each_heartbeat_is_a_point_at_first():
    log = MemoryLog()
    assert all(log.note(size) for size in (5, 7, 6))
    assert log.points == [5, 7, 6]


def test_it_never_has_more_than_a_few_and_they_are_evenly_apart():
    for beats in (MOST, MOST + 1, 3 * MOST, 1000, 40_321):
        points = log_of(beats).points
        distances = {b - a for a, b in itertools.pairwise(points)}
        assert len(distances) == 1, beats
        assert points[0] == 0
        assert points[-1] > beats - 1 - distances.pop()
        assert MOST // 2 <= len(points) <= MOST


def test_what_becomes_no_point_is_told():
    log = log_of(MOST + 1)
    assert [log.note(0) for _ in range(4)] == [False, True, False, True]
