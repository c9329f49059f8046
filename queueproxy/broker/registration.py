"""Keeps a worker process on the broker's list of workers, by heartbeat."""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..exceptions import DecodeError, ErrorReply
from ..records import Activation, parse
from .handle import Broker
from .link.protocol import FENCED, RedisReply
from .own_release import NO_RELEASE, OwnRelease

IDS_KEPT = 16
WANTED = b"wanted"


def new_worker_id(host: str, pid: int) -> str:
    """Unique for each registration, readable by people: host, process id, a random tail."""
    return f"{host}:{pid}:{secrets.token_hex(4)}"


class WorkerRegistration:
    """Registers a worker and keeps its lease. One per process; thread-safe.

    Args:
        broker: makes its own link, used by the heartbeat thread alone once that runs.
        info: what ``status`` shows (host, pid, queues, threads, ...).
        queues: swept for bells nobody heard.
        on_change: called with the new id after every registration.
        release: see there.

    Attributes:
        release: of the process.
        beat_every: seconds between heartbeats, a third of the lease.
        retired: whether the time is over for which its release was to stand by.
        refusal: with what the broker has refused the last heartbeat: nothing is to be begun while
            this process can't keep its leases. None where it did not.
    """

    def __init__(
        self,
        broker: Broker,
        info: dict[str, Any],
        queues: Sequence[str],
        on_change: Callable[[str], None] = lambda worker: None,
        release: OwnRelease = NO_RELEASE,
    ):
        self._link = broker.link("worker-heartbeat")
        self._info = info
        self._lease_ms = broker.lease_ms
        self.beat_every = broker.lease / 3
        self._queues = queues
        self._on_change = on_change
        self._lock = threading.Lock()
        self._changed_info = b""  # info as changed since the broker was told
        # Its idle threads may still wait at the bell of an id it had before.
        self._ids: deque[str] = deque(maxlen=IDS_KEPT)
        self.worker = ""
        self.release = release
        self._activation = b""  # as the broker told it last
        self.retired = False
        self.refusal: ErrorReply | None = None

    @property
    def stands_by(self) -> bool:
        """Whether this worker starts nothing now, as far as the broker has told."""
        try:
            active = parse(Activation, self._activation).active if self._activation else None
        except DecodeError:
            return False
        return active != self.release.name if active else bool(self.release.standby)

    def join(self, given_up: str = "") -> str:
        """Register, under a new id; nothing is done where another thread has just done so.

        Args:
            given_up: the id found to be fenced.

        Raises:
            BrokerUnavailable: not registered, or it is not known; call again.
        """
        with self._lock:
            if self.worker != given_up:
                return self.worker
            worker = new_worker_id(self._info["host"], self._info["pid"])
            info = msgspec.json.encode(self._info)
            about = (self._lease_ms, info, self._activation)
            self._activation = self._link.script("worker_join", worker, *about)
            self.worker, self._changed_info = worker, b""
            self._ids.append(worker)
            self._on_change(worker)
            return worker

    def announce(self, **more: object) -> None:
        """Change what ``status`` shows of this worker; the next heartbeat takes it along."""
        with self._lock:
            self._info = self._info | more
            self._changed_info = msgspec.json.encode(self._info)

    def beat(self, state: str, memory: int = 0) -> bool:
        """Extend the lease and sweep; False where this worker has been given up.

        Args:
            memory: bytes this process has, for people to see; 0 where it is not known.
        """
        with self._lock:
            about = (state, memory, self._changed_info, self.release.name, self._activation)
            try:
                reply = self._link.script(
                    "worker_beat", self.worker, self._lease_ms, *about, *self._queues
                )
            except ErrorReply as error:
                self.refusal = error
                raise
            self.refusal = None
            self._changed_info = b""
            if reply == FENCED:
                return False
            self._activation, retired = reply
            self.retired = retired == 1
        return True

    def see_that_leases_are_kept(self) -> None:
        """See that what is begun now would not be lost with this worker's lease.

        Raises:
            ErrorReply: heartbeats are refused.
        """
        if self.refusal is not None:
            raise self.refusal

    def publish(self, digest: str, table: bytes, *, anew: bool) -> bool:
        """Let fronts have this worker's table of routes, where none of another living worker's is.

        Args:
            digest: names the table.
            table: encoded and signed.
            anew: take the place of any other: this worker has just begun to serve.

        Returns:
            False where this worker has been given up.
        """
        with self._lock:
            reply: RedisReply = WANTED
            if not anew:
                reply = self._publish(digest, b"")
            if reply == WANTED:
                reply = self._publish(digest, table)
        return bool(reply != FENCED)

    def _publish(self, digest: str, table: bytes) -> RedisReply:
        return self._link.script("publish_routes", self.worker, digest, table, *self.release)

    def call_to_stop(self, threads: int) -> None:
        """Wake this process's idle threads, so that they see that they are to stop."""
        if not threads:
            return
        with self._lock:
            for bell in self._bells():
                self._link.commands([("RPUSH", bell, *["1"] * threads), ("EXPIRE", bell, 60)])

    def leave(self) -> None:
        """Take the name off; whatever the worker still holds is dealt with as lost."""
        with self._lock:
            flow_bell = self._link.keys.named("bell", f"flow@{self.worker}")
            # Whoever still waits for news of clients hears that the process ends.
            self._link.commands([("DEL", *self._bells()), ("RPUSH", flow_bell, "1")])
            self._link.script("worker_reap", self.worker)
            self._link.close()

    def _bells(self) -> list[str]:
        return [self._link.keys.named("bell", f"@{worker}") for worker in self._ids]
