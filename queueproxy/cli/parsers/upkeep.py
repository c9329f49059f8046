"""The verbs for what stands beside the queue: purge (the database), acl (the broker's users)."""

from django.db import connections

from ..options import Subparsers
from .lazy_verb import LazyVerb

FORMATS = ("setuser", "aclfile")


def add_upkeep(actions: Subparsers) -> None:
    """Add them to the verbs of ``queueproxy``."""
    parser = actions.add_parser(
        "purge", help="delete what is kept of exactly-once requests beyond KEEP_EXECUTIONS"
    )
    parser.add_argument(
        "--database",
        dest="databases",
        action="append",
        choices=list(connections.settings),
        metavar="ALIAS",
        help="default: all that have the table; may be given again",
    )
    parser.set_defaults(run=LazyVerb("purge", "purge_executions"))
    parser = actions.add_parser(
        "acl", help="print a user of the broker for each part, with the rights it needs"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="setuser", help="commands, or lines of a file"
    )
    parser.add_argument(
        "--passwords", action="store_true", help="with new ones (else they stay as they are)"
    )
    parser.set_defaults(run=LazyVerb("acl", "acl"))
