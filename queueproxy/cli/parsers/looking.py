"""The verbs that look, and change nothing: status, metrics, routes, slowest, find, doctor."""

from ...broker.observe.routes import DEFAULT_ORDER, ORDERS, WINDOWS
from ..options import Subparsers, positive_int, site_url
from .lazy_verb import LazyVerb

ROWS = 20  # routes of a list, unless told


def add_looking(actions: Subparsers) -> None:
    """Add them to the verbs of ``queueproxy``."""
    parser = actions.add_parser("status", help="what waits, who works on what")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for programs")
    how.add_argument("--watch", action="store_true", help="live, until q or Ctrl-C")
    parser.set_defaults(run=LazyVerb("status", "status"))
    parser = actions.add_parser("metrics", help="in Prometheus' text format")
    parser.set_defaults(run=LazyVerb("status", "metrics"))
    parser = actions.add_parser(
        "routes", help="what applies to each view, or to one request as fronts decide now"
    )
    parser.add_argument("path", nargs="?", metavar="PATH", help="default: all views")
    parser.add_argument("method", nargs="?", default="GET", metavar="METHOD")
    parser.set_defaults(run=LazyVerb("routes", "routes"))
    _add_slowest(actions)
    parser = actions.add_parser("find", help="what became of one request")
    parser.add_argument("id", metavar="ID", help="X-Request-ID of its answer")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=LazyVerb("find", "find"))


def _add_slowest(actions: Subparsers) -> None:
    parser = actions.add_parser("slowest", help="which routes take the most time")
    parser.add_argument("--window", choices=WINDOWS, default="15m", help="how far back")
    parser.add_argument(
        "--sort",
        choices=ORDERS,
        default=DEFAULT_ORDER,
        help="by which figure; time: its share of all routes' run time",
    )
    parser.add_argument(
        "--limit",
        type=positive_int,
        default=ROWS,
        metavar="N",
        help="so many routes",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=LazyVerb("slowest", "slowest"))


def add_doctor(actions: Subparsers) -> None:
    """Add ``doctor`` to the verbs of ``queueproxy``."""
    parser = actions.add_parser(
        "doctor",
        help="look at the whole set-up, and say what to do about what is wrong",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--url",
        type=site_url,
        metavar="URL",
        help="also ask the running site at this address, through whatever stands before it",
    )
    parser.set_defaults(run=LazyVerb("doctor", "doctor"))
