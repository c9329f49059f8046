"""Servers that somebody started by hand: they refuse less, and otherwise, but nothing is mixed up.

A request is run once and answered in its place, or refused; nothing is run that was not asked for.
"""

import socket

import pytest

from ..integration.by_hand import BY_HAND, by_hand
from ..integration.serving import PATIENCE, Client
from ..kit.proc import memory
from .cases import first_of
from .wire import Bystander, converse

# Of these the servers themselves make one thing only: what the front is told is what was sent.
CASES = first_of(smuggling=16, chunks=8, trailers=8, connection=5, pipelining=5, versions=4)


@pytest.fixture(scope="module", params=BY_HAND)
def server(request, tmp_path_factory):
    """An address, and the process that serves there."""
    directory = tmp_path_factory.mktemp("by_hand")
    with by_hand(request.param, "tests.hostile.app:app", directory) as found:
        yield found


@pytest.fixture
def bystander(server):
    bystander = Bystander(server[0])
    bystander.runs()
    yield bystander
    bystander.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_run_was_asked_for_and_is_answered_in_order(server, bystander, case):
    address, _ = server
    answers = converse(address, case._replace(closes=False), bystander)
    answered = [answer.short for answer in answers if answer.status == 200]
    assert bystander.runs() == answered
    assert not [line for line in answered if line.startswith("GET /smuggled")]


def test_a_stream_broken_off_is_seen_so_by_http_1_0(server):
    address, _ = server
    with Client(address) as client, pytest.raises(ConnectionResetError):
        client.get("/broken", version="1.0").read(1 << 20)


def test_a_stream_waits_for_a_client_that_does_not_read(server, bystander):
    address, process = server
    before = memory(process.pid)
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(1024)
        for _ in range(200):  # by its answers the stream had every chance to run ahead
            bystander.ask("/ping")
        assert memory(process.pid) - before < 10 * 1024 * 1024
