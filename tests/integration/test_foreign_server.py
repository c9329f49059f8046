"""The servers as somebody starts them by hand: less, but nothing false."""

import subprocess
import sys

import pytest

from ..kit.asking import listens
from ..kit.ports import free_port
from ..kit.processes import ROOT
from ..kit.waiting import wait_until
from .serving import Client

APP = "tests.integration.server_app:app"
COMMANDS = {
    "daphne": ["daphne", "-v", "0", "-p"],
    "uvicorn": ["uvicorn", "--log-level", "critical", "--port"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def address(request):
    port = free_port()
    command = [sys.executable, "-m", *COMMANDS[request.param], str(port), APP]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), "the server")
        yield "127.0.0.1", port
    finally:
        process.kill()
        process.wait()


def test_a_cut_answer_is_not_framed_as_complete(address):
    with Client(address) as client:
        assert not client.get("/cut-by-hand").until_closed().endswith(b"0\r\n\r\n")


def test_after_a_cut_failures_are_still_answered(address):
    with Client(address) as client:
        client.get("/cut-by-hand").until_closed()
    with Client(address) as client:
        assert client.get("/fail", "Connection: close").until_closed().startswith(b"HTTP/1.1 500")


def test_a_refusal_has_one_date(address):
    with Client(address) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 0\r\n\r\n")
        reply = client.reply()  # which takes no header twice
        assert reply.status == 400
        assert "date" in reply.headers
