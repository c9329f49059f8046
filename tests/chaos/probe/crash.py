"""Sudden death at the boundaries of a worker's work."""

import os
import random
import signal

SHARE = float(os.environ.get("CHAOS_CRASH_SHARE", "0"))


def maybe() -> None:
    """Die now, in a small share of all cases."""
    if SHARE and random.random() < SHARE:
        os.kill(os.getpid(), signal.SIGKILL)
