"""manage.py runqueueproxy: the front, and if wanted the whole system."""

import os
import signal
import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from queueproxy import servers
from queueproxy.checks import TAG
from queueproxy.cli.embedded import EmbeddedBroker
from queueproxy.cli.front_end import Hangup, stopping_text
from queueproxy.cli.options import log_to_console, nonnegative_seconds, positive_int
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.terminal import in_foreground
from queueproxy.cli.workers import Workers
from queueproxy.exceptions import CannotListen
from queueproxy.served_application import NoQueue, ServedApplication, load
from queueproxy.servers.common.sockets import bind, describe

CUT_SHORT = 1  # exit status when a second signal ended what was held


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
            server = options["server"]
            raise CommandError(f"{server} is not installed: {servers.HOW_TO_INSTALL[server]}")
        # Until a server takes the signals over, SIGTERM ends this process the ordinary way, with
        # the contexts below closed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(self._status))
        hangup = Hangup(self._say)
        signal.signal(signal.SIGHUP, hangup)
        try:
            listening = bind(
                options["addrport"], fd=options["fd"], reuse_port=options["reuse_port"]
            )
        except CannotListen as error:
            raise CommandError(str(error)) from error
        with EmbeddedBroker(options["embedded"]) as broker:
            refuse_unfit_server()
            application = self._load()
            with Workers(
                options["workers"],
                options["threads"],
                options["graceful_timeout"],
                self._give_up,
            ) as workers:
                hangup.workers = workers
                self._serve(application, listening, options, workers)
                broker.end_if_silent()
        sys.exit(self._status)

    _status = 0

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _give_up(self, status: int) -> None:
        """End this process, from any thread: its workers can't start at all."""
        self._say("The workers can't start, so the front ends too.")
        self._status = status
        os.kill(os.getpid(), signal.SIGTERM)

    def _load(self) -> ServedApplication:
        try:
            return load()
        except NoQueue as error:
            raise CommandError(str(error)) from error

    def _serve(
        self, application: ServedApplication, listening, options: dict, workers: Workers
    ) -> None:
        def on_draining() -> None:
            application.drain()
            workers.begin_to_end()
            held = application.held_requests()
            self._say(stopping_text(held, by_terminal=in_foreground()))

        self._say(f"The front listens on {describe(listening)} ({options['server']}).")
        hurried = False
        try:
            hurried = servers.run(
                options["server"],
                application,
                listening,
                graceful_timeout=options["graceful_timeout"],
                on_draining=on_draining,
                access_log=options["access_log"],
            )
        except KeyboardInterrupt:
            pass
        finally:
            # What comes after the server (workers, broker) is not to be broken off half-way.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: workers.hurry())
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if hurried:
            self._status = self._status or CUT_SHORT
            workers.hurry()
