"""manage.py runqueueworker: run requests off the queue."""

import logging
import sys
from contextlib import nullcontext
from typing import Any

from django.core.management.base import CommandParser
from django.utils.autoreload import get_child_arguments

from queueproxy import conf
from queueproxy.cli.boot_failure import failure_told
from queueproxy.cli.helpful import HelpfulCommand
from queueproxy.cli.options import (
    log_to_console,
    nonnegative_seconds,
    positive_int,
    queue_names,
    release_name,
)
from queueproxy.cli.private_broker import use_private_broker
from queueproxy.cli.program import directory, parent_pipe
from queueproxy.cli.project_processes import entered
from queueproxy.cli.run_files import WORKERS
from queueproxy.cli.scaling_options import add_scaling, process_number_of
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.start_text import worker_text
from queueproxy.cli.worker_options import errors_in_one_line, release_of, worker_options
from queueproxy.development.code_watch import ALL, CodeWatch
from queueproxy.worker.boot_failures import BootFailures, teller
from queueproxy.worker.lost_worker import reaper
from queueproxy.worker.options import WorkerOptions
from queueproxy.worker.scaling.process_range import least_of
from queueproxy.worker.status_pipe import status_pipe
from queueproxy.worker.supervisor import Supervisor, SupervisorOptions

logger = logging.getLogger("queueproxy.worker")


class Command(HelpfulCommand):
    help = (
        "Takes requests off the queue and runs them. SIGTERM and SIGINT drain, SIGHUP replaces the "
        "processes by fresh code, SIGTTIN and SIGTTOU add and remove one (of a range: of the "
        "least)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", type=queue_names, help="queues to serve, in order (default: all)"
        )
        add_scaling(parser)
        at_once = parser.add_mutually_exclusive_group()
        at_once.add_argument("--threads", type=positive_int, default=1, help="per process")
        at_once.add_argument(
            "--async",
            dest="at_once",
            type=positive_int,
            metavar="N",
            help="run N requests at once on one event loop per process: for async views",
        )
        self._add_ends(parser)
        self._add_releases(parser)
        parser.add_argument("--name", default="", help="shown in status")
        parser.add_argument(
            "--require-migrations",
            action="store_true",
            help="claim nothing until all migrations are applied",
        )
        parser.add_argument(
            "--reload",
            action="store_true",
            help="for development: fresh processes whenever the project's code changes",
        )

    def _add_ends(self, parser: CommandParser) -> None:
        """Add what ends a process, and how."""
        parser.add_argument("--burst", action="store_true", help="end when nothing waits")
        parser.add_argument(
            "--max-requests", type=positive_int, help="replace a process after so many requests"
        )
        parser.add_argument(
            "--graceful-timeout",
            type=nonnegative_seconds,
            default=30.0,
            metavar="S",
            help="to finish what runs: 30, 2m",
        )
        parser.add_argument(
            "--stream-grace",
            type=nonnegative_seconds,
            metavar="S",
            help="until streams without an end are ended when it drains (default: STREAM_GRACE)",
        )
        parser.add_argument(
            "--reload-at-once",
            type=positive_int,
            metavar="N",
            help="processes replaced at the same time on SIGHUP (default: a quarter)",
        )

    def _add_releases(self, parser: CommandParser) -> None:
        """Add which code it is, and whether that serves."""
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

    def handle(self, **options: Any) -> None:
        log_to_console(options["verbosity"])
        status, parent = status_pipe(), parent_pipe()
        if status is None and parent is None:
            use_private_broker(self.stderr.write)
        if options["reload"]:
            options["graceful_timeout"] = max(options["graceful_timeout"], conf.AT_A_BREAKPOINT)
        # A supervisor's own failure is told by itself, that of its processes by their supervisor.
        with nullcontext() if status is not None else failure_told(options), errors_in_one_line():
            if status is not None or not options["reload"]:  # else its processes say what is wrong
                self.check()
            worker = worker_options(options)
        if status is not None:
            from queueproxy.cli.worker_process import run_process

            run_process(worker, status)
        number = process_number_of(options, worker)
        refuse_unfit_server()
        logger.info("%s", worker_text(conf.get_settings(), options))
        here = directory()
        supervising = SupervisorOptions(
            command=get_child_arguments(),
            processes=least_of(options["processes"]),
            graceful_timeout=worker.graceful_timeout,
            burst=worker.burst,
            directory=here,
            parent=parent,
            develops=options["reload"],
            reload_at_once=options["reload_at_once"],
        )
        failures = _boot_failures(options, worker, here)
        supervisor = Supervisor(supervising, reaper(worker.broker), failures, number)
        if options["reload"]:
            self._watch_code(supervisor)
        with entered(WORKERS, beside_front=parent is not None):
            sys.exit(supervisor.run())

    def _watch_code(self, supervisor: Supervisor) -> None:
        def changed(file: str) -> None:
            self.stdout.write(f"{file} has changed: fresh worker processes.")
            self.stdout.flush()
            supervisor.restart()

        CodeWatch(changed, ALL).start()


def _boot_failures(options: dict[str, Any], worker: WorkerOptions, here: str) -> BootFailures:
    return BootFailures(
        teller(worker.broker),
        lambda: release_of(options, here),
        standby=bool(worker.release.standby),
    )
