"""Tells people why the workers of a release could not even begin: its own code can't be loaded."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import CommandError

from .. import conf
from ..broker.observe.boot_failures import FailureTold
from ..worker.boot_failures import teller
from ..worker.boot_log import LINES, MOST_A_LINE
from .program import directory
from .worker_options import release_of

BAD_WORDS = 2  # the exit status of a command that was typed wrongly


@contextmanager
def failure_told(options: dict[str, Any]) -> Iterator[None]:
    """Where the context ends by a CommandError, let it be seen in ``status`` and on the page.

    Nothing is told where the command line is at fault, or where the broker can't be told.

    Args:
        options: of runqueueworker.
    """
    try:
        yield
    except CommandError as error:
        if error.returncode != BAD_WORDS:
            with suppress(Exception):  # the settings themselves may be what is wrong
                _tell(options, str(error))
        raise


def _tell(options: dict[str, Any], why: str) -> None:
    lines = [line[:MOST_A_LINE] for line in why.splitlines() if line.strip()][-LINES:]
    release = release_of(options, directory())
    told = FailureTold(time.time(), "Its supervisor ended at once.", lines, release)
    teller(conf.broker())(release, told)
