"""What can't be read is refused when everything before it has its answer, and not earlier."""

import socket

import pytest

from queueproxy.servers import SERVERS

from ..integration.serving import PATIENCE, serving
from .cases import UNREADABLE, get, post
from .wire import Bystander, parse, received, shorts


@pytest.fixture(scope="module", params=SERVERS)
def served(request):
    with serving(request.param, module="tests.hostile.app") as served:
        yield served
        assert "Traceback" not in "".join(served.output)


@pytest.mark.parametrize(
    ("raw", "status"),
    [(raw, status) for _, raw, status in UNREADABLE],
    ids=[name for name, *_ in UNREADABLE],
)
def test_behind_a_request_that_runs(served, raw, status):
    bystander = Bystander(served.address)
    with socket.create_connection(served.address, timeout=PATIENCE) as connection:
        connection.sendall(post(b"x", path="/hold") + get("/2") + raw)
        served.says("held POST /hold x")
        bystander.ask("/open")
        answers = shorts(parse(received(connection)))
    assert answers == ["POST /hold x", "GET /2", status]
    assert bystander.runs() == ["POST /hold x", "GET /2"]
    bystander.close()
