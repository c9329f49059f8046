"""manage.py queueproxy: look at the queue, pause it, hold it, deal with dead letters."""

import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from queueproxy.cli import (
    acl,
    dead,
    doctor,
    find,
    hold,
    pause,
    processes,
    purge,
    release_options,
    routes,
    slowest,
    status,
)
from queueproxy.cli.ask import COULD_NOT_ASK
from queueproxy.cli.helpful import HelpfulCommand
from queueproxy.cli.options import Subparsers, positive_seconds, rate
from queueproxy.cli.private_broker import use_private_broker
from queueproxy.cli.run_files import FRONT, WORKERS
from queueproxy.exceptions import (
    BrokerUnavailable,
    ErrorReply,
    SchemaMismatch,
    ScriptsUnreadable,
)

INTERRUPTED = 130  # as a shell has it


class Command(HelpfulCommand):
    help = (
        "Operates the queue. Exit status: 0 done, 1 it did not hold (timed out, unhealthy), "
        "2 could not ask (no broker, bad words)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_looking(actions)
        self._add_pausing(actions)
        self._add_processes(actions)
        dead.add_parser(actions)
        release_options.add_releases(actions)
        self._add_purge(actions)
        self._add_acl(actions)
        doctor.add_parser(actions)

    def _add_looking(self, actions: Subparsers) -> None:
        parser = actions.add_parser("status", help="what waits, who works on what")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="for programs")
        how.add_argument("--watch", action="store_true", help="live, until q or Ctrl-C")
        parser.set_defaults(run=status.status)
        parser = actions.add_parser("metrics", help="in Prometheus' text format")
        parser.set_defaults(run=status.metrics)
        parser = actions.add_parser(
            "routes", help="what applies to each view, or to one request as fronts decide now"
        )
        parser.add_argument("path", nargs="?", metavar="PATH", help="default: all views")
        parser.add_argument("method", nargs="?", default="GET", metavar="METHOD")
        parser.set_defaults(run=routes.routes)
        slowest.add_parser(actions)
        find.add_parser(actions)

    def _add_pausing(self, actions: Subparsers) -> None:
        parser = actions.add_parser("pause", help="start no request until resumed")
        parser.add_argument("queues", nargs="*", metavar="QUEUE", help="default: all")
        parser.add_argument("--wait", action="store_true", help="return when nothing is in flight")
        parser.add_argument(
            "--timeout", type=pause.pause_length, metavar="S", help="when it ends by itself: 90, 5m"
        )
        parser.add_argument("--reason", default="", metavar="TEXT", help="shown to others")
        parser.set_defaults(run=pause.pause)
        parser = actions.add_parser("resume", help="go on")
        parser.add_argument("queues", nargs="*", metavar="QUEUE", help="default: all")
        parser.add_argument("--rate", type=rate, metavar="N/s", help="at most so many: 50/s, 50/m")
        parser.add_argument(
            "--break-hold", action="store_true", help="end a hold's pause too; its command runs on"
        )
        parser.set_defaults(run=pause.resume)
        parser = actions.add_parser("hold", help="pause, run a command, resume")
        parser.add_argument(
            "--timeout",
            type=positive_seconds,
            metavar="S",
            help="to get nothing in flight: 90, 5m (default: 30 s)",
        )
        parser.add_argument(
            "--then",
            type=hold.release_to_activate,
            metavar="activate=NAME",
            help="once the command has ended with status 0, before anything is started again",
        )
        parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
        parser.set_defaults(run=hold.hold)

    def _add_processes(self, actions: Subparsers) -> None:
        parser = actions.add_parser(
            "reload", help="replace this project's workers on this machine by fresh ones"
        )
        parser.set_defaults(run=processes.reload)
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
            default=processes.STOPPED_WITHIN,
            metavar="S",
            help="to wait until they have ended (default: %(default)g)",
        )
        parser.set_defaults(run=processes.stop)

    def _add_purge(self, actions: Subparsers) -> None:
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
        parser.set_defaults(run=purge.purge_executions)

    def _add_acl(self, actions: Subparsers) -> None:
        parser = actions.add_parser(
            "acl", help="print a user of the broker for each part, with the rights it needs"
        )
        parser.add_argument(
            "--format", choices=acl.FORMATS, default="setuser", help="commands, or lines of a file"
        )
        parser.add_argument(
            "--passwords", action="store_true", help="with new ones (else they stay as they are)"
        )
        parser.set_defaults(run=acl.acl)

    def handle(self, *, run: Callable[[BaseCommand, dict[str, Any]], int], **options: Any) -> None:
        try:
            if run not in (processes.reload, processes.stop):
                use_private_broker(self.stderr.write)
            status = run(self, options)
        except ErrorReply as error:
            raise CommandError(str(error), returncode=COULD_NOT_ASK) from error
        except BrokerUnavailable as error:
            raise CommandError(
                f"The broker can't be reached: {error}", returncode=COULD_NOT_ASK
            ) from error
        except (ImproperlyConfigured, SchemaMismatch, ScriptsUnreadable) as error:
            raise CommandError(str(error), returncode=COULD_NOT_ASK) from error
        except KeyboardInterrupt:
            status = INTERRUPTED
        sys.exit(status)
