"""Brokers that go away and come back under an event loop: the tests of threads once more."""

from ..test_worker.test_away import *  # noqa: F403

# It counts idle threads; an event loop blocks once for all of its slots.
del test_it_is_away_for_long  # noqa: F821
