"""Finds the terminal this program was started from, if any."""

import os
from collections.abc import Callable


def has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    return _with_terminal(lambda terminal: True)


def in_foreground() -> bool:
    """Whether a terminal gives its Ctrl-C to this process, and so to the programs it starts."""
    return _with_terminal(lambda terminal: os.tcgetpgrp(terminal) == os.getpgrp())


def _with_terminal(ask: Callable[[int], bool]) -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return ask(terminal)
    finally:
        os.close(terminal)
