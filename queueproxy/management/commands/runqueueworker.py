"""manage.py runqueueworker: run requests off the queue."""

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.autoreload import get_child_arguments

from queueproxy.cli.options import (
    log_to_console,
    nonnegative_seconds,
    positive_int,
    queue_names,
    release_name,
)
from queueproxy.cli.program import directory, parent_pipe
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.worker_options import errors_in_one_line, release_of, worker_options
from queueproxy.exceptions import SchemaMismatch
from queueproxy.worker.boot_failures import BootFailures, teller
from queueproxy.worker.lost_worker import reaper
from queueproxy.worker.process import Worker
from queueproxy.worker.process_words import CANNOT_START
from queueproxy.worker.serving import serve, status_pipe
from queueproxy.worker.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Takes requests off the queue and runs them. SIGTERM and SIGINT drain, SIGHUP replaces the "
        "processes by fresh code, SIGTTIN and SIGTTOU add and remove one."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", type=queue_names, help="queues to serve, in order (default: all)"
        )
        parser.add_argument("--processes", type=positive_int, default=1)
        at_once = parser.add_mutually_exclusive_group()
        at_once.add_argument("--threads", type=positive_int, default=1, help="per process")
        at_once.add_argument(
            "--async",
            dest="at_once",
            type=positive_int,
            metavar="N",
            help="run N requests at once on one event loop per process: for async views",
        )
        parser.add_argument("--burst", action="store_true", help="end when nothing waits")
        parser.add_argument(
            "--max-requests", type=positive_int, help="replace a process after so many requests"
        )
        parser.add_argument(
            "--graceful-timeout",
            type=nonnegative_seconds,
            default=30.0,
            help="seconds to finish what runs (default 30)",
        )
        parser.add_argument(
            "--stream-grace",
            type=nonnegative_seconds,
            help="seconds until streams without an end are ended when it drains (STREAM_GRACE)",
        )
        parser.add_argument("--name", default="", help="shown in status")
        parser.add_argument(
            "--reload-at-once",
            type=positive_int,
            metavar="N",
            help="processes replaced at the same time on SIGHUP (default: a quarter)",
        )
        self._add_releases(parser)

    def _add_releases(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--release",
            type=release_name,
            metavar="NAME",
            help="of the code (default: QUEUEPROXY_RELEASE, or the commit checked out)",
        )
        parser.add_argument(
            "--standby",
            action="store_true",
            help="claim nothing unless this release is the active one (the setting RELEASES)",
        )
        parser.add_argument(
            "--require-migrations",
            action="store_true",
            help="claim nothing until all migrations are applied",
        )

    def handle(self, **options) -> None:
        log_to_console(options["verbosity"])
        status, parent = status_pipe(), parent_pipe()
        with errors_in_one_line():
            self.check()
        worker = worker_options(options)
        if status is not None:
            with errors_in_one_line():
                process = Worker(worker, status.write)
            try:
                sys.exit(serve(process, status))
            except SchemaMismatch as error:
                raise CommandError(str(error), returncode=CANNOT_START) from error
        refuse_unfit_server()
        here = directory()
        supervisor = Supervisor(
            get_child_arguments(),
            options["processes"],
            graceful_timeout=worker.graceful_timeout,
            reap=reaper(worker.broker),
            burst=worker.burst,
            directory=here,
            parent=parent,
            reload_at_once=options["reload_at_once"],
            failures=BootFailures(teller(worker.broker), lambda: release_of(options, here)),
        )
        sys.exit(supervisor.run())
