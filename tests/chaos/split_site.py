"""The usual arrangement: fronts, workers and a broker that may be hurt one by one."""

import signal

from queueproxy.keys import Keys

from ..kit.ports import free_port
from ..kit.processes import STARTS_WITHIN, Process
from ..kit.waiting import wait_until
from .broker_server import SiteBroker
from .rest import left_over
from .site import ENDS_WITHIN, GRACEFUL, Site

RELEASES = ("one", "two")  # of the supervisors; none is active unless a fault has it so


class SplitSite(Site):
    """Two fronts, two supervisors with some processes each, one broker.

    Arguments as Site's; `at_once` requests run at once on the event loop of each process, 0 for
    two threads instead; `processes` of each supervisor.
    """

    def __init__(
        self,
        switch_off: tuple[str, ...] = (),
        crash_share: float = 0.0,
        at_once: int = 0,
        database: str = "",
        processes: int = 2,
    ):
        # Nothing happens exactly once on an event loop.
        database = "" if at_once else database
        super().__init__(switch_off, crash_share, [free_port(), free_port()], database)
        self._at_once, self._processes = at_once, processes
        if at_once:
            self.environ["CHAOS_ASYNC"] = "1"
        self.broker = SiteBroker().start()
        self.environ["QUEUEPROXY_BROKER_URL"] = self.broker.site_url()
        self.environ["CHAOS_CACHES"] = f"{self.broker.site_url(1)} {self.broker.site_url()}"
        self.supervisors: list[Process] = []

    def start(self) -> None:
        """Start workers, then fronts: they know from the first request on what views say."""
        self.migrate()
        self.supervisors = [self.start_supervisor(which) for which in range(2)]
        routes, client = Keys("queueproxy").routes, self.broker.client()
        wanted = 2 * self._processes
        wait_until(
            lambda: len(self.workers()) >= wanted and client.exists(routes),
            "workers",
            STARTS_WITHIN,
        )
        self.fronts = [self._front(port) for port in self.ports]
        wait_until(self.is_ready, "fronts", STARTS_WITHIN)

    def _front(self, port: int) -> Process:
        return self.manage("runqueueproxy", f"127.0.0.1:{port}", "--server", "uvicorn")

    def start_supervisor(self, which: int) -> Process:
        """Start one more supervisor with its worker processes, of one of two releases."""
        how = ("--async", str(self._at_once)) if self._at_once else ("--threads", "2")
        options = (*how, "--graceful-timeout", str(GRACEFUL), "--release", RELEASES[which])
        return self.manage("runqueueworker", "--processes", str(self._processes), *options)

    def supervisor_pids(self) -> list[int]:
        return [supervisor.pid for supervisor in self.supervisors]

    def replace_front(self, which: int, number: int) -> None:
        """End a front by a signal and start another on its port."""
        self.fronts[which].send_signal(number)
        self.fronts[which].wait(ENDS_WITHIN)
        self.fronts[which] = self._front(self.ports[which])

    def replace_supervisor(self, which: int) -> None:
        """Drain a supervisor with its workers; others are started first."""
        old = self.supervisors[which]
        self.supervisors[which] = self.start_supervisor(which)
        old.send_signal(signal.SIGTERM)
        old.wait(ENDS_WITHIN)

    def stop(self) -> None:
        """End fronts and workers."""
        self.end([*self.fronts, *self.supervisors])

    def last_look(self) -> list[str]:
        """What the broker holds that must not be there when everybody has gone."""
        return left_over(self.broker.client())

    def close(self) -> None:
        self.broker.stop()
        super().close()
