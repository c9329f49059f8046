"""manage.py runqueueworker: run requests off the queue."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.autoreload import get_child_arguments

from queueproxy import conf
from queueproxy.cli.options import log_to_console, nonnegative_seconds, positive_int, queue_names
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.exceptions import SchemaMismatch
from queueproxy.worker.migrations import has_database
from queueproxy.worker.process import CANNOT_START, Worker, WorkerOptions, serve, status_writer
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
        with _told_in_one_line():
            self.check()
        worker = self._worker_options(options)
        if status_fd is not None:
            os.set_inheritable(int(status_fd), False)
            with _told_in_one_line():
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

    def _worker_options(self, options: dict) -> WorkerOptions:
        settings = conf.get_settings()
        queues = options["queues"] or tuple(settings.queues)
        # The operators' lane is everybody's.
        for queue in queues:
            if queue not in settings.queues:
                known = ", ".join(settings.queues)
                raise CommandError(f"No queue {queue!r}. Queues: {known}.", returncode=2)
        if options["require_migrations"] and not has_database():
            raise CommandError(
                "--require-migrations: DATABASES names no default database.", returncode=2
            )
        return WorkerOptions(
            broker=conf.broker(),
            queues=(conf.OPS_QUEUE, *queues),
            secrets=conf.signing_secrets(),
            threads=options["threads"],
            spin=_has_cores_to_spare(options["processes"], options["threads"]),
            burst=options["burst"],
            max_requests=options["max_requests"],
            graceful_timeout=options["graceful_timeout"],
            name=options["name"],
            require_migrations=options["require_migrations"],
        )


def _has_cores_to_spare(processes: int, threads: int) -> bool:
    """Whether a thread that waits for the broker awake is in nobody's way."""
    return threads == 1 and 2 * processes <= (os.cpu_count() or 1)


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """Where the project's code can't be loaded: what is wrong and where, once."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        *_, last = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith("<frozen")
        ]
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        where = f"{last.filename}, line {last.lineno}"
        raise CommandError(
            f"The worker can't start: {what} ({where}). More with --traceback.",
            returncode=CANNOT_START,
        ) from error


def _flushed(status: int) -> int:
    # A thread may still be in a view that was given up: interpreter shutdown would wait for it.
    sys.stdout.flush()
    sys.stderr.flush()
    return status
