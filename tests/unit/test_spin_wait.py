"""Waiting awake ends with the answer, with the time, or is left out."""

import socket
import threading
import time

import pytest

from queueproxy.broker.link import spin_wait
from queueproxy.broker.link.spin_wait import SpinWait
from queueproxy.cli import worker_options

SHORT, LONG = 0.02, 10.0  # seconds


@pytest.fixture
def pair():
    mine, theirs = socket.socketpair()
    with mine, theirs:
        yield mine, theirs


def waiter(monkeypatch, mine, spin_for) -> SpinWait:
    monkeypatch.setattr(spin_wait, "SPIN_FOR", spin_for)
    made = SpinWait()
    made.watch(mine.fileno())
    return made


def seconds_of(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_ends_with_the_answer(monkeypatch, pair):
    mine, theirs = pair
    waiting = waiter(monkeypatch, mine, LONG)
    answering = threading.Timer(SHORT, theirs.send, [b"+"])

    def start_and_wait() -> None:  # timed together: a busy machine may start the timer late
        answering.start()
        waiting.wait()

    assert SHORT <= seconds_of(start_and_wait) < LONG / 2
    assert mine.recv(1, socket.MSG_DONTWAIT) == b"+"
    answering.join()


def test_ends_with_a_lost_connection(monkeypatch, pair):
    mine, theirs = pair
    waiting = waiter(monkeypatch, mine, LONG)
    theirs.close()
    assert seconds_of(waiting.wait) < LONG / 2


def test_ends_with_the_time(monkeypatch, pair):
    waiting = waiter(monkeypatch, pair[0], SHORT)
    assert SHORT <= seconds_of(waiting.wait) < LONG / 2


def test_is_left_out_after_a_slow_answer_and_taken_up_after_a_quick_one(monkeypatch, pair):
    waiting = waiter(monkeypatch, pair[0], SHORT)
    waiting.wait()
    waiting.answered()  # after SHORT
    monkeypatch.setattr(spin_wait, "SPIN_FOR", LONG)
    assert seconds_of(waiting.wait) < LONG / 2  # at once: nothing has come
    waiting.answered()  # well within LONG
    monkeypatch.setattr(spin_wait, "SPIN_FOR", SHORT)
    assert seconds_of(waiting.wait) >= SHORT


@pytest.mark.parametrize(
    ("processes", "threads", "cores", "expected"),
    [(1, 1, 2, True), (1, 2, 2, False), (2, 1, 2, False), (1, 1, 1, False), (4, 1, 8, True)],
)
def test_only_where_cores_are_to_spare(monkeypatch, processes, threads, cores, expected):
    monkeypatch.setattr(worker_options.os, "cpu_count", lambda: cores)
    assert worker_options._has_cores_to_spare(processes, threads) is expected
