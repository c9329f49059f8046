"""manage.py runqueueproxy: the front, and if wanted the whole system."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from queueproxy import conf, servers
from queueproxy.checks import TAG
from queueproxy.cli.embedded import EmbeddedBroker
from queueproxy.cli.front_end import Hangup, stopping_text
from queueproxy.cli.front_options import add_front_options, front_words, worker_words
from queueproxy.cli.fronts import Fronts
from queueproxy.cli.helpful import HelpfulCommand
from queueproxy.cli.options import log_to_console
from queueproxy.cli.program import end_with_parent, parent_pipe, ready_pipe, tell_ready
from queueproxy.cli.project_processes import entered
from queueproxy.cli.reloaded_front import ReloadedFront
from queueproxy.cli.run_files import FRONT
from queueproxy.cli.server_check import refuse_unfit_server
from queueproxy.cli.start_text import front_text
from queueproxy.cli.terminal import in_foreground
from queueproxy.cli.workers import Workers
from queueproxy.exceptions import CannotListen
from queueproxy.served_application import NoQueue, ServedApplication, load
from queueproxy.servers.common.sockets import bind, describe

Options = dict[str, Any]

CUT_SHORT = 1  # exit status when a second signal ended what was held


class Command(HelpfulCommand):
    help = (
        "Runs the front: accepts requests, queues them, holds their clients. With --workers also "
        "worker processes, with --embedded also a private Valkey: the whole system on one machine."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_front_options(parser)

    def handle(self, **options: Any) -> None:
        log_to_console(options["verbosity"])
        worker_words(options)  # refused before anything is started
        if options["fronts"] > 1 and options["reload"]:
            raise CommandError("--reload is for one front: leave --fronts out.", returncode=2)
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
        parent, self._ready = parent_pipe(), ready_pipe()
        if parent is not None:
            end_with_parent(parent)
        with (
            entered(FRONT, beside_front=parent is not None) as tell,
            EmbeddedBroker(options["embedded"]) as broker,
        ):
            tell(broker=broker.url)
            refuse_unfit_server()
            self._way_of(options)(listening, options, hangup)
            broker.end_if_silent()
        sys.exit(self._status)

    _status = 0
    _ready: int | None = None

    def _way_of(self, options: Options) -> Callable[[socket.socket, Options, Hangup], None]:
        if options["reload"]:
            return self._serve_reloaded
        return self._serve_by_many if options["fronts"] > 1 else self._serve

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _give_up(self, status: int) -> None:
        """End this process, from any thread: its workers can't start at all."""
        self._say("The workers can't start, so the front ends too.")
        self._status = status
        os.kill(os.getpid(), signal.SIGTERM)

    def _workers(self, options: Options) -> Workers:
        return Workers(
            options["workers"],
            options["threads"],
            options["graceful_timeout"],
            self._give_up,
            worker_words(options),
        )

    def _serve_by_many(self, listening: socket.socket, options: Options, hangup: Hangup) -> None:
        _loaded(options["static"])  # what is wrong with it is told here, once
        with self._workers(options) as workers:
            hangup.workers = workers
            hangup.fronts = fronts = Fronts(
                options["fronts"],
                front_words(options),
                listening,
                options["graceful_timeout"],
                on_draining=workers.begin_to_end,
                on_hopeless=self._end_with,
                say=self._say,
            )
            if fronts.run():
                self._status = self._status or CUT_SHORT
                workers.hurry()

    def _end_with(self, status: int) -> None:
        """End this process, from any thread: a front can't start."""
        self._status = status
        os.kill(os.getpid(), signal.SIGTERM)

    def _serve_reloaded(self, listening: socket.socket, options: Options, hangup: Hangup) -> None:
        with self._workers(options) as workers:
            hangup.workers = workers
            words = front_words(options)
            front = ReloadedFront(words, listening, options["graceful_timeout"], self._say)
            if front.run() == CUT_SHORT:
                self._status = CUT_SHORT
                workers.hurry()

    def _serve(self, listening: socket.socket, options: Options, hangup: Hangup) -> None:
        application = _loaded(options["static"])
        with self._workers(options) as workers:
            hangup.workers = workers
            self._serve_beside(workers, application, listening, options)

    def _serve_beside(
        self, workers: Workers, app: ServedApplication, listening: socket.socket, options: Options
    ) -> None:
        def on_draining() -> None:
            app.drain()
            workers.begin_to_end()
            held = app.held_requests()
            self._say(stopping_text(held, by_terminal=in_foreground()))

        self._say(front_text(conf.get_settings()))
        self._say(f"The front listens on {describe(listening)} ({options['server']}).")
        tell_ready(self._ready)
        hurried = False
        try:
            hurried = servers.run(
                options["server"],
                app,
                listening,
                graceful_timeout=options["graceful_timeout"],
                on_draining=on_draining,
                on_refused=app.count,
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


def _loaded(static: bool) -> ServedApplication:
    try:
        return load(static=static)
    except NoQueue as error:
        raise CommandError(str(error)) from error
