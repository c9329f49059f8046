"""Rights that heartbeats need are taken away for longer than a lease."""

import pytest

from .fault_site import FaultSite, wait_out
from .test_error_replies import PASSWORD, USER, LockedServer

LEASE = 1.5  # seconds
WORKER = "worker"


class GuardedServer(LockedServer):
    """Workers have a user of their own."""

    def start(self) -> "GuardedServer":
        super().start()
        self.add_user(WORKER, PASSWORD)
        return self

    def set_rights(self, rule: str, *users: str) -> None:
        for user in users:
            self.client().execute_command("ACL", "SETUSER", user, rule)


@pytest.fixture(params=[["--threads", "1"], ["--async", "1"]], ids=["threads", "async"])
def site(request, tmp_path):
    server = GuardedServer().start()
    site = FaultSite(tmp_path, server, MAX_HOLD=60, LEASE=LEASE)
    site.front()
    url = f"unix://{WORKER}:{PASSWORD}@{server.socket}"
    site.workers("--processes", "1", *request.param, QUEUEPROXY_BROKER_URL=url)
    site.wait_for_workers(1)
    yield site
    site.stop()
    server.stop()


@pytest.mark.parametrize("command", ["xadd", "xlen"])
def test_nobody_is_given_up(site, command):
    """Other scripts may need none of them, and go on meanwhile."""
    running = site.send("running", "POST", "seconds=1")
    site.run_of(running.nonce)
    site.broker.set_rights(f"-{command}", USER, WORKER)
    waiting = site.send("waiting", "POST")
    wait_out(4 * LEASE)
    site.broker.set_rights(f"+{command}", USER, WORKER)
    for request in (running, waiting):
        assert request.outcome().status == 200
        assert site.times(request.nonce) == 1


def test_a_worker_that_is_given_up_so_begins_nothing(site):
    """Its front may do all: by its heartbeats the worker's lease runs out."""
    running = site.send("running", "POST", "seconds=1")
    site.run_of(running.nonce)
    waiting = [site.send(f"waiting{number}", "POST") for number in range(3)]
    site.broker.set_rights("-xadd", WORKER)
    wait_out(6 * LEASE)
    assert all(site.times(request.nonce) == 0 for request in waiting)
    site.broker.set_rights("+xadd", WORKER)
    for request in waiting:
        assert request.outcome().status == 200
        assert site.times(request.nonce) == 1
    assert running.outcome().status == 502
