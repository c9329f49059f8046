"""manage.py runqueueworker: run requests off the queue."""

import os
import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.autoreload import get_child_arguments

from queueproxy.cli.options import log_to_console, nonnegative_seconds, positive_int, queue_names
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.worker_options import errors_in_one_line, worker_options
from queueproxy.exceptions import SchemaMismatch
from queueproxy.worker.process import CANNOT_START, Worker, serve, status_writer
from queueproxy.worker.supervisor import STATUS_FD_VARIABLE, Supervisor, reaper


class Command(BaseCommand):
    help = (
        "Takes requests off the queue and runs them. SIGTERM and SIGINT drain, SIGHUP replaces the "
        "processes one by one with fresh code, SIGTTIN and SIGTTOU add and remove one."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", type=queue_names, help="queues to serve, in order (default: all)"
        )
        parser.add_argument("--processes", type=positive_int, default=1)
        parser.add_argument("--threads", type=positive_int, default=1, help="per process")
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
        parser.add_argument("--name", default="", help="shown in status")
        parser.add_argument(
            "--require-migrations",
            action="store_true",
            help="claim nothing until all migrations are applied",
        )

    def handle(self, **options) -> None:
        log_to_console(options["verbosity"])
        status_fd = os.environ.pop(STATUS_FD_VARIABLE, None)
        with errors_in_one_line():
            self.check()
        worker = worker_options(options)
        if status_fd is not None:
            os.set_inheritable(int(status_fd), False)
            with errors_in_one_line():
                process = Worker(worker, status_writer(int(status_fd)))
            try:
                status = serve(process, int(status_fd))
            except SchemaMismatch as error:
                raise CommandError(str(error), returncode=CANNOT_START) from error
            os._exit(_flushed(status))
        refuse_unfit_server()
        supervisor = Supervisor(
            get_child_arguments(),
            options["processes"],
            graceful_timeout=worker.graceful_timeout,
            reap=reaper(worker.broker),
            burst=worker.burst,
        )
        sys.exit(supervisor.run())


def _flushed(status: int) -> int:
    # A thread may still be in a view that was given up: interpreter shutdown would wait for it.
    sys.stdout.flush()
    sys.stderr.flush()
    return status
