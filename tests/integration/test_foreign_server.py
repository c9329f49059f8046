"""The servers as somebody starts them by hand: less, but nothing false."""

import pytest

from .by_hand import BY_HAND, by_hand
from .serving import Client


@pytest.fixture(scope="module", params=BY_HAND)
def address(request, tmp_path_factory):
    application = "tests.integration.server_app:app"
    with by_hand(request.param, application, tmp_path_factory.mktemp("by_hand")) as (address, _):
        yield address


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
