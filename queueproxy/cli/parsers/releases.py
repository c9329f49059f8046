"""The command line of queueproxy release."""

from ...broker.operate.releases import KEEP
from ..options import Subparsers, nonnegative_seconds, positive_seconds, release_name
from .lazy_verb import LazyVerb

READY_WITHIN = 30.0  # seconds that an activation waits for a worker that is ready, unless told


def add_releases(actions: Subparsers) -> None:
    """Add ``release`` and its verbs to those of ``queueproxy``."""
    parser = actions.add_parser("release", help="which version of the code serves")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all that have workers, the active one first")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=LazyVerb("release", "list_releases"))
    _add_smoke(verbs)
    _add_changing(verbs)
    off = verbs.add_parser("off", help="let workers of any serve, as before the first")
    off.add_argument("--force", action="store_true", help="though no worker would serve then")
    off.set_defaults(run=LazyVerb("release", "end_releases"))


def _add_changing(verbs: Subparsers) -> None:
    verb = verbs.add_parser("activate", help="let this one serve, from one moment on")
    verb.add_argument("name", type=release_name, metavar="NAME")
    verb.add_argument(
        "--timeout",
        type=nonnegative_seconds,
        default=READY_WITHIN,
        metavar="S",
        help=f"for a worker of it to be ready (default {READY_WITHIN:g})",
    )
    back = verbs.add_parser("rollback", help="let the one before serve again")
    back.add_argument(
        "--from",
        dest="instead_of",
        type=release_name,
        metavar="NAME",
        help="only while this one serves: of two people who roll back at once, one does",
    )
    for changing, function in ((verb, "activate"), (back, "roll_back")):
        changing.add_argument(
            "--keep",
            type=nonnegative_seconds,
            default=KEEP,
            metavar="TIME",
            help="how long workers of the one before stay ready: 90s, 10m (default), 2h",
        )
        changing.add_argument(
            "--force", action="store_true", help="though no worker of it is ready"
        )
        changing.set_defaults(run=LazyVerb("release", function))


def _add_smoke(verbs: Subparsers) -> None:
    parser = verbs.add_parser("smoke", help="GET some pages of it, whether it serves or not")
    parser.add_argument("name", type=release_name, metavar="NAME")
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--all", action="store_true", help="of this code, each without a parameter")
    parser.add_argument("--host", default="", help="default: the first of ALLOWED_HOSTS")
    parser.add_argument(
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="a cookie, for one; may be given again",
    )
    parser.add_argument(
        "--timeout", type=positive_seconds, default=30.0, metavar="S", help="of each page"
    )
    parser.set_defaults(run=LazyVerb("smoke", "smoke"))
