"""Types of command-line options and the console log, shared by the commands."""

import argparse
import logging
import math

from django.core.exceptions import ImproperlyConfigured

from .. import conf
from ..broker.own_release import is_release_name

DURATIONS = {"s": 1, "m": 60, "h": 3600}  # seconds


def positive_int(text: str) -> int:
    """Parse a whole number, at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def nonnegative_seconds(text: str) -> float:
    """Parse seconds, 0 or more."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def positive_seconds(text: str) -> float:
    """Parse seconds, more than 0."""
    seconds = nonnegative_seconds(text)
    if seconds == 0:
        raise argparse.ArgumentTypeError("0 seconds is no time")
    return seconds


def rate(text: str) -> float:
    """Parse so many a second: ``50`` or ``50/s``."""
    try:
        number = float(text.removesuffix("/s"))
    except ValueError:
        number = 0
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate such as 50/s")
    return number


def release_name(text: str) -> str:
    """Parse the name of a release."""
    if not is_release_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no word of at most 100 characters")
    return text


def duration(text: str) -> float:
    """Parse seconds: ``90``, ``90s``, ``10m`` or ``2h``."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in DURATIONS else (text, "s")
    return nonnegative_seconds(number) * DURATIONS[unit]


def queue_names(text: str) -> tuple[str, ...]:
    """Parse names of queues, separated by commas, in the order of QUEUES."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names of queues, separated by commas")
    try:
        known = list(conf.get_settings().queues)
    except ImproperlyConfigured as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return tuple(sorted(dict.fromkeys(names), key=lambda n: known.index(n) if n in known else 0))


def log_to_console(verbosity: int) -> None:
    """Show queueproxy's log on standard error, unless the project has set it up itself."""
    logger = logging.getLogger("queueproxy")
    if logger.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s[%(process)d] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel({0: logging.ERROR, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    logger.propagate = False
