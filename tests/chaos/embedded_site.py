"""The whole system by one command: runqueueproxy --embedded --workers."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import redis

from ..kit.ports import free_port
from ..kit.proc import children, command_line, state, waits_in
from ..kit.processes import STARTS_WITHIN
from ..kit.waiting import wait_until
from .site import GRACEFUL, Site

# Seconds from the death of a front to the end of all it has started; a supervisor that starts just
# then comes to look whether anybody is there, and here ten processes want two cores.
ENDS_WITHIN = GRACEFUL + 25.0
DUMPS_WITHIN = 2.0  # seconds one has to write the stacks of its threads to the log


class EmbeddedBroker:
    """The Valkey that the front has started.

    Args:
        directory: in which the front makes its own.
    """

    def __init__(self, directory: Path):
        self._directory = directory

    @property
    def url(self) -> str:
        """Of the one that is there now."""
        newest = max(self._directory.glob("queueproxy-*/valkey.sock"), key=os.path.getctime)
        return f"unix://{newest}"

    def client(self) -> redis.Redis:
        """To look into it."""
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)


class EmbeddedSite(Site):
    """One front with a Valkey and a supervisor with two processes. Arguments as Site's.

    It has no database: each of its fronts starts before anything is published, and knows later what
    POSTs are.
    """

    def __init__(self, switch_off: tuple[str, ...] = (), crash_share: float = 0.0):
        super().__init__(switch_off, crash_share, [free_port()])
        self.broker = EmbeddedBroker(self.directory)

    def start(self) -> None:
        """Start all of it."""
        self.environ.pop("QUEUEPROXY_BROKER_URL", None)
        self.environ["PYTHONFAULTHANDLER"] = "1"  # on SIGABRT
        where = (f"127.0.0.1:{self.ports[0]}", "--server", "uvicorn", "--embedded")
        how = ("--workers", "2", "--threads", "2", "--graceful-timeout", str(GRACEFUL))
        self.fronts = [self.manage("runqueueproxy", *where, *how)]
        wait_until(
            lambda: len(self.workers()) >= 2 and self.is_ready(), "front and workers", STARTS_WITHIN
        )
        self.environ["QUEUEPROXY_BROKER_URL"] = self.broker.url  # of commands from now on

    def supervisor_pids(self) -> list[int]:
        return self._children("runqueueworker")

    def broker_pid(self) -> int:
        """Process id of the Valkey, once there is one."""
        return wait_until(lambda: self._children("valkey"), "a Valkey", STARTS_WITHIN)[0]

    def _children(self, word: str) -> list[int]:
        return [pid for pid in children(self.fronts[0].pid) if word in command_line(pid)]

    def replace(self, number: int) -> None:
        """End the front by a signal, see that all has ended with it, and start again."""
        self.fronts[0].send_signal(number)
        self.fronts[0].wait(60)
        for pid in self._left(ENDS_WITHIN):
            self.violations.append(f"outlives a front ended by {number}: {_told_of(pid)}")
            _signal(pid, signal.SIGABRT)
        for pid in self._left(DUMPS_WITHIN):
            _signal(pid, signal.SIGKILL)
        self.start()

    def _left(self, within: float) -> list[int]:
        """The processes that are there after so many seconds."""
        deadline = time.monotonic() + within
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def stop(self) -> None:
        """End all of it."""
        self.end(self.fronts)

    def last_look(self) -> list[str]:
        """Nothing: the broker has gone with the front."""
        return []


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _told_of(pid: int) -> str:
    return f"{pid} {command_line(pid)[-80:]}({state(pid)}, {waits_in(pid)})"
