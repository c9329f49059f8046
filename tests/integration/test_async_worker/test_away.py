"""Brokers that go away and come back under an event loop: the tests of threads once more."""

from ..test_worker.test_away import *  # noqa: F403
