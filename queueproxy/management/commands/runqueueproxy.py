"""manage.py runqueueproxy: the front, and if wanted the whole system."""

import signal
import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from queueproxy import servers
from queueproxy.checks import TAG
from queueproxy.cli.embedded import EmbeddedBroker
from queueproxy.cli.options import log_to_console, nonnegative_seconds, positive_int
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.workers import Workers
from queueproxy.exceptions import CannotListen
from queueproxy.servers.common.sockets import bind, describe


class Command(BaseCommand):
    help = (
        "Runs the front: accepts requests, queues them, holds their clients. With --workers also "
        "worker processes, with --embedded also a private Valkey: the whole system on one machine."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("addrport", nargs="?", default="", help="[addr:]port or unix:/path")
        parser.add_argument("--server", choices=servers.SERVERS, default="daphne")
        parser.add_argument("--workers", type=positive_int, metavar="N", help="worker processes")
        parser.add_argument("--threads", type=positive_int, default=1, help="per worker process")
        parser.add_argument("--embedded", action="store_true", help="start a private Valkey")
        parser.add_argument("--fd", type=int, help="listen on this inherited socket")
        parser.add_argument("--reuse-port", action="store_true", help="SO_REUSEPORT")
        parser.add_argument("--graceful-timeout", type=nonnegative_seconds, default=30.0)
        parser.add_argument("--access-log", action="store_true")

    def handle(self, **options) -> None:
        log_to_console(options["verbosity"])
        self.check(tags=[TAG])  # the project's own checks would import its views
        if not servers.available(options["server"]):
            raise CommandError(
                f"{options['server']} is not installed: pip install {options['server']}"
            )
        # Until a server takes the signals over, they end this process the ordinary way: with the
        # contexts below closed.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(0))
        try:
            listening = bind(
                options["addrport"], fd=options["fd"], reuse_port=options["reuse_port"]
            )
        except CannotListen as error:
            raise CommandError(str(error)) from error
        with EmbeddedBroker(options["embedded"]):
            refuse_unfit_server()
            with Workers(options["workers"], options["threads"], options["graceful_timeout"]):
                self._serve(listening, options)

    def _serve(self, listening, options: dict) -> None:
        from queueproxy.asgi import application

        self.stdout.write(f"The front listens on {describe(listening)} ({options['server']}).")
        self.stdout.flush()
        try:
            servers.run(
                options["server"],
                application,
                listening,
                graceful_timeout=options["graceful_timeout"],
                on_draining=application.queueproxy.drain,
                access_log=options["access_log"],
            )
        except KeyboardInterrupt:
            pass
        finally:
            # What comes after the server (workers, broker) is not to be interrupted half-way.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
