"""The verbs for this project's processes on this machine: reload, stop."""

from ..options import Subparsers, positive_seconds
from ..run_files import FRONT, WORKERS
from .lazy_verb import LazyVerb

STOPPED_WITHIN = 60.0  # seconds


def add_processes(actions: Subparsers) -> None:
    """Add them to the verbs of ``queueproxy``."""
    parser = actions.add_parser(
        "reload", help="replace this project's workers on this machine by fresh ones"
    )
    parser.set_defaults(run=LazyVerb("processes", "reload"), asks_broker=False)
    parser = actions.add_parser(
        "stop", help="stop this project's fronts and workers on this machine, and wait for it"
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=(FRONT, WORKERS),
        metavar="front|workers",
        help="default: both",
    )
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        default=STOPPED_WITHIN,
        metavar="S",
        help="to wait until they have ended (default: %(default)g)",
    )
    parser.set_defaults(run=LazyVerb("processes", "stop"), asks_broker=False)
