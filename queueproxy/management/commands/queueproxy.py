"""manage.py queueproxy: look at the queue, pause it, hold it, deal with dead letters."""

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser

from queueproxy.cli.ask import COULD_NOT_ASK, drop_output
from queueproxy.cli.helpful import HelpfulCommand
from queueproxy.cli.parsers.dead import add_dead
from queueproxy.cli.parsers.lazy_verb import LazyVerb
from queueproxy.cli.parsers.looking import add_doctor, add_looking
from queueproxy.cli.parsers.pausing import add_pausing
from queueproxy.cli.parsers.processes import add_processes
from queueproxy.cli.parsers.releases import add_releases
from queueproxy.cli.parsers.upkeep import add_upkeep
from queueproxy.cli.private_broker import use_private_broker
from queueproxy.exceptions import (
    BrokerUnavailable,
    ErrorReply,
    SchemaMismatch,
    ScriptsUnreadable,
)

INTERRUPTED, UNREAD = 130, 141  # as a shell has SIGINT and SIGPIPE


class Command(HelpfulCommand):
    help = (
        "Operates the queue. Exit status: 0 done, 1 it did not hold (timed out, unhealthy), "
        "2 could not ask (no broker, bad words)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add_looking(actions)
        add_pausing(actions)
        add_processes(actions)
        add_dead(actions)
        add_releases(actions)
        add_upkeep(actions)
        add_doctor(actions)

    def handle(self, *, run: LazyVerb, asks_broker: bool = True, **options: Any) -> None:
        try:
            if asks_broker:
                use_private_broker(self.stderr.write)
            status = run(self, options)
            self.stdout.flush()
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
        except BrokenPipeError:
            drop_output(self.stdout)
            status = UNREAD
        sys.exit(status)
