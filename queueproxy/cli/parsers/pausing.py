"""The verbs that hold requests back: pause, resume, hold."""

import argparse

from ...broker.operate.control import LONGEST_PAUSE
from ..options import Subparsers, positive_seconds, rate, release_name
from .lazy_verb import LazyVerb


def add_pausing(actions: Subparsers) -> None:
    """Add them to the verbs of ``queueproxy``."""
    parser = actions.add_parser("pause", help="start no request until resumed")
    parser.add_argument("queues", nargs="*", metavar="QUEUE", help="default: all")
    parser.add_argument("--wait", action="store_true", help="return when nothing is in flight")
    parser.add_argument(
        "--timeout", type=_pause_length, metavar="S", help="when it ends by itself: 90, 5m"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown to others")
    parser.set_defaults(run=LazyVerb("pause", "pause"))
    parser = actions.add_parser("resume", help="go on")
    parser.add_argument("queues", nargs="*", metavar="QUEUE", help="default: all")
    parser.add_argument("--rate", type=rate, metavar="N/s", help="at most so many: 50/s, 50/m")
    parser.add_argument(
        "--break-hold", action="store_true", help="end a hold's pause too; its command runs on"
    )
    parser.set_defaults(run=LazyVerb("pause", "resume"))
    parser = actions.add_parser("hold", help="pause, run a command, resume")
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="S",
        help="to get nothing in flight: 90, 5m (default: 30 s)",
    )
    parser.add_argument(
        "--then",
        type=_release_to_activate,
        metavar="activate=NAME",
        help="once the command has ended with status 0, before anything is started again",
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    parser.set_defaults(run=LazyVerb("hold", "hold"))


def _pause_length(text: str) -> float:
    """Parse seconds, more than 0 and no more than a pause may last."""
    seconds = positive_seconds(text)
    if seconds > LONGEST_PAUSE:
        raise argparse.ArgumentTypeError(f"a pause lasts at most {LONGEST_PAUSE:.0f} s")
    return seconds


def _release_to_activate(text: str) -> str:
    """Parse ``activate=NAME``."""
    verb, _, name = text.partition("=")
    if verb != "activate":
        raise argparse.ArgumentTypeError(f"{text!r} is not activate=NAME")
    return release_name(name)
