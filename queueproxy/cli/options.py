"""Types of command-line options and the console log, shared by the commands."""

import argparse
import logging
from typing import TypeAlias
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandParser

from .. import conf
from ..broker.own_release import is_release_name
from ..durations import rate_of, seconds_of

# What ``add_subparsers`` returns; as text, since argparse has it as generic in its stubs alone.
Subparsers: TypeAlias = "argparse._SubParsersAction[CommandParser]"


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
    """Parse a length of time, 0 or more, as seconds: ``90``, ``90s``, ``5m``, ``1h30m``."""
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive_seconds(text: str) -> float:
    """Parse a length of time, more than 0, as seconds."""
    seconds = nonnegative_seconds(text)
    if seconds == 0:
        raise argparse.ArgumentTypeError("0 seconds is no time")
    return seconds


def rate(text: str) -> float:
    """Parse so many a second: ``50``, ``50/s``, ``50/m``."""
    try:
        return rate_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def release_name(text: str) -> str:
    """Parse the name of a release."""
    if not is_release_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no word of at most 100 characters")
    return text


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


def site_url(text: str) -> str:
    """Parse the address of a site: ``https://www.example.com``.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as https://example.com")
    return text


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
