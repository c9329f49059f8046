"""The servers behind real proxies that keep their connections alive.

Proxies mend some of what they are sent and refuse other parts. What must hold is that the front
takes from their connections what they meant: each request is run once and answered in its place.
"""

import concurrent.futures
import time

import pytest

from queueproxy.servers import SERVERS
from queueproxy.servers.common import limits

from ..integration.serving import Client, serving
from .cases import first_of
from .proxies import PROXIES, proxy
from .wire import Bystander, converse

CASES = first_of(
    **{"smuggling": 18, "chunks": 20, "trailers": 8, "connection": 7, "pipelining": 4},
    **{"headers": 4, "expecting": 3},
)
IDLE = 0.5  # seconds that the proxy keeps a connection
KEEP_ALIVE = 2.0  # seconds that the server does
PAUSES = (0.4, 0.45, 0.5, 0.52, 0.55, 0.6, 1.9, 1.98, 2.0, 2.02)  # about both
CLIENTS = 20
POSTS_EACH = 5


@pytest.fixture(scope="module", params=[(s, p) for s in SERVERS for p in PROXIES], ids="-".join)
def behind(request):
    """A proxy's address, and a bystander who goes round it."""
    server, name = request.param
    with serving(server, module="tests.hostile.app") as served, proxy(name, served.address) as at:
        bystander = Bystander(served.address)
        yield at, bystander
        bystander.close()
        assert "Traceback" not in "".join(served.output)


def test_there_are_60_of_them():
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_run_was_asked_for_and_is_answered_in_order(behind, case):
    address, bystander = behind
    bystander.runs()
    answers = converse(address, case._replace(closes=False), bystander)
    answered = [answer.short for answer in answers if answer.status == 200]
    assert bystander.runs() == answered
    assert not [line for line in answered if line.endswith("]")]  # headers nobody sent


def post_some(address, number: int) -> list[int]:
    """The statuses of POSTs of one client, which keeps its connection to the proxy."""
    with Client(address) as client:
        statuses = []
        for n in range(POSTS_EACH):
            client.send(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" % n)
            statuses.append(client.reply().status)
        return statuses


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("server", SERVERS)
def test_of_a_thousand_posts_about_the_idle_times_none_fails(server, name):
    options = {"KEEP_ALIVE": KEEP_ALIVE}
    with (
        serving(server, module="tests.hostile.app", limits=options) as served,
        proxy(name, served.address, idle=IDLE) as address,
        concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool,
    ):
        statuses: list[int] = []
        for pause in PAUSES:
            time.sleep(pause)  # what is tested is time itself
            for some in pool.map(post_some, [address] * CLIENTS, range(CLIENTS)):
                statuses += some
        bystander = Bystander(served.address)
        runs = bystander.runs()
        bystander.close()
    assert len(statuses) == 1000
    assert set(statuses) == {200}
    assert len(runs) == 1000


def test_an_idle_connection_outlives_every_pool_known():
    pools = {"nginx": 60, "HAProxy": 60, "AWS ALB": 60, "Google Cloud": 600}
    assert max(pools.values()) < limits.KEEP_ALIVE
