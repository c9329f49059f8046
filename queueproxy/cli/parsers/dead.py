"""The command line of queueproxy dead."""

from ..options import Subparsers, positive_int
from .lazy_verb import LazyVerb

SHOWN = 100  # dead letters of a list, unless told


def add_dead(actions: Subparsers) -> None:
    """Add ``dead`` and its verbs to those of ``queueproxy``."""
    parser = actions.add_parser("dead", help="requests that could not be run")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="newest first")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.add_argument(
        "--search", default="", metavar="TEXT", help="a part of the path or of the request id"
    )
    listing.add_argument("--queue", default="", metavar="QUEUE", help="of this queue alone")
    listing.add_argument("--reason", default="", metavar="WORDS", help="as the list shows it")
    listing.add_argument(
        "--limit", type=positive_int, default=SHOWN, metavar="N", help="so many letters"
    )
    listing.set_defaults(run=LazyVerb("dead", "list_letters"))
    for name, function, text in (
        ("show", "show", "one, without what may say who a person is"),
        ("replay", "replay_letter", "run it again, now, whatever its method"),
        ("discard", "discard", "delete it"),
    ):
        aliases = ["retry"] if name == "replay" else []
        verb = verbs.add_parser(name, aliases=aliases, help=text)
        verb.add_argument("id", metavar="ID")
        if name == "show":
            verb.add_argument("--reveal", action="store_true", help="hide nothing")
            verb.add_argument("--as-test", action="store_true", help="as a test case of Django's")
        if name == "replay":
            verb.add_argument(
                "--pdb", action="store_true", help="here, its view under the debugger; it is kept"
            )
        verb.set_defaults(run=LazyVerb("dead", function))
