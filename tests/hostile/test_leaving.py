"""A client that leaves: every request of its connection learns of it, and none begins after."""

import socket

import pytest

from queueproxy.servers import SERVERS

from ..integration.serving import serving
from .cases import chunked, get, post
from .wire import Bystander


@pytest.fixture(scope="module", params=SERVERS)
def served(request):
    with serving(request.param, module="tests.hostile.app", limits={"LOOK_EVERY": 0.1}) as served:
        yield served
        assert "Traceback" not in "".join(served.output)


@pytest.fixture
def bystander(served):
    bystander = Bystander(served.address)
    bystander.runs()
    yield bystander
    bystander.close()


def by_close(connection: socket.socket) -> None:
    connection.close()


def by_fin(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def by_reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


WAYS = pytest.mark.parametrize("leave", [by_close, by_fin, by_reset])
BEHIND = pytest.mark.parametrize(
    "behind",
    [
        b"",
        post(b"x", path="/hold2"),
        get("/hold2") * 20,
        get("/hold2")[:-1],
        b"not HTTP\r\n\r\n",
        chunked(b"3\r\nab", path="/hold2"),
        post(b"x" * 200_000, path="/hold2"),
    ],
    ids=["nothing", "a POST", "20 GETs", "half a GET", "garbage", "half a body", "a large POST"],
)


@WAYS
@BEHIND
def test_a_held_request_learns_of_it_and_what_is_behind_never_begins(
    served, bystander, leave, behind
):
    with socket.create_connection(served.address) as connection:
        connection.sendall(post(b"x", path="/hold"))
        served.says("held POST /hold x")
        connection.sendall(behind)
        bystander.ask("/ping")
        leave(connection)
        served.says("left POST /hold x")
        assert bystander.ask("/open") == b"open"
    assert served.is_quiet()
    assert bystander.runs() == []


@WAYS
@pytest.mark.parametrize("times", [1, 2])
def test_a_stream_nobody_reads_ends_with_its_client(served, bystander, leave, times):
    with socket.create_connection(served.address) as connection:
        connection.sendall(get("/big") * times)
        served.says("began GET /big")
        leave(connection)
        served.says("left GET /big")
        bystander.ask("/ping")
    assert served.is_quiet()
    assert bystander.runs() == ["GET /big"]
