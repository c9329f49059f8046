"""The command line of manage.py runqueueproxy, and how it is told on to what it starts."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from .. import servers
from .options import nonnegative_seconds, positive_int
from .scaling_options import HOW_MANY, add_max_memory, process_number

Options = dict[str, Any]


def add_front_options(parser: CommandParser) -> None:
    """Add its options."""
    _add_listening(parser)
    parser.add_argument("--workers", type=process_number, metavar="N", help=HOW_MANY)
    parser.add_argument("--threads", type=positive_int, default=1, help="per worker process")
    add_max_memory(parser, "with --workers: ")
    parser.add_argument("--embedded", action="store_true", help="start a private Valkey")
    parser.add_argument(
        "--graceful-timeout",
        type=nonnegative_seconds,
        default=30.0,
        metavar="S",
        help="to finish what is held: 30, 2m",
    )
    parser.add_argument(
        "--access-log", action="store_true", help="log each answer (logger queueproxy.access)"
    )
    parser.add_argument(
        "--nostatic",
        action="store_false",
        dest="static",
        help="don't serve static files with DEBUG on, as runserver does",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="for development: a fresh front, and fresh workers, whenever the code changes",
    )


def _add_listening(parser: CommandParser) -> None:
    parser.add_argument(
        "addrport",
        nargs="?",
        default="",
        help="[addr:]port or unix:/path (default: 127.0.0.1:8000)",
    )
    parser.add_argument("--server", choices=servers.SERVERS, default="daphne", help="ASGI server")
    parser.add_argument(
        "--fronts",
        type=positive_int,
        default=1,
        metavar="N",
        help="processes that listen: one uses one core (default: 1)",
    )
    parser.add_argument("--fd", type=int, help="listen on this inherited socket")
    parser.add_argument("--reuse-port", action="store_true", help="SO_REUSEPORT")


def front_words(options: Options) -> list[str]:
    """Spell what each front is told that is a process of its own."""
    words = ["--server", options["server"], "--verbosity", str(options["verbosity"])]
    words += ["--access-log"] if options["access_log"] else []
    return words + ([] if options["static"] else ["--nostatic"])


def worker_words(options: Options) -> list[str]:
    """Spell what the workers beside a front are told in the words of ``runqueueworker``.

    Raises:
        CommandError: it makes no sense without workers.
    """
    words = ["--reload"] if options["reload"] else []
    if options["max_memory"] is not None:
        if not options["workers"]:
            raise CommandError("--max-memory is of worker processes: add --workers.", returncode=2)
        words += ["--max-memory", f"{max(1, options['max_memory'] // 1024)}KiB"]
    return words
