"""Websockets under both servers, on real sockets."""

import contextlib
import json
import time

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from queueproxy.servers import SERVERS
from queueproxy.servers.common.limits import ACCEPTED_WITHIN, MAX_FRAGMENTS

from .serving import PATIENCE, Served, serving
from .test_servers import is_honest

MODULE = "tests.integration.websocket_app"
MIB = 1024 * 1024
HANDSHAKE = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(scope="module", params=SERVERS)
def served(request):
    with serving(request.param, module=MODULE) as served:
        yield served


@pytest.fixture(params=SERVERS)
def server(request) -> str:
    return request.param


def talk(served: Served, path: str = "/", **options):
    """A websocket; to be closed."""
    host, port = served.address
    return connect(
        f"ws://{host}:{port}{path}", proxy=None, open_timeout=PATIENCE, max_size=None, **options
    )


def closing(talking) -> tuple[int | None, str]:
    """Code and reason with which the server closes."""
    while True:
        try:
            talking.recv(PATIENCE)
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (None, "")


# What comes in, what goes out


def test_words_and_bytes_come_back(served):
    with talk(served) as talking:
        talking.recv(PATIENCE)
        for message in ("hello", b"\x00\xff", "ü" * 100_000, b"x" * MIB, ""):
            talking.send(message)
            assert talking.recv(PATIENCE) == message
    served.says("left 1000")


def test_the_application_sees_the_handshake(served):
    headers = {"X-A": "1", "Daphne-Root-Path": "/evil", "Cookie": "a=1"}
    path = "/a/%C3%BC%20b?q=%20x"
    with talk(served, path, additional_headers=headers, subprotocols=["a", "b"]) as talking:
        seen = json.loads(talking.recv(PATIENCE))
        assert talking.subprotocol == "b"
    assert (seen["path"], seen["raw_path"]) == ("/a/ü b", "/a/%C3%BC%20b")
    assert (seen["query_string"], seen["root_path"]) == ("q=%20x", "")
    assert seen["subprotocols"] == ["a", "b"]
    assert seen["client"][0] == "127.0.0.1"
    assert ["x-a", "1"] in seen["headers"]
    assert ["cookie", "a=1"] in seen["headers"]


def test_a_handshake_has_the_limits_of_any_request(served):
    """More than the libraries take by themselves: a line of 30 KiB, 200 headers."""
    headers = {"Cookie": "a=" + "x" * 30_000, **{f"X-{number}": "1" for number in range(200)}}
    with talk(served, f"/?{'q' * 10_000}", additional_headers=headers) as talking:
        seen = json.loads(talking.recv(PATIENCE))
    assert len(seen["query_string"]) == 10_000
    assert len(dict(seen["headers"])["cookie"]) == 30_002
    with served.client() as client:
        client.get("/", *HANDSHAKE, "X: " + "x" * 70_000)
        assert client.reply().status == 431


def test_the_application_adds_headers_and_says_why_it_closes(served):
    with talk(served, "/headers") as talking:
        assert talking.response.headers.get_all("x-a") == ["1", "2"]
        assert closing(talking) == (4001, "grün")


def test_a_handshake_behind_an_answer(served):
    with served.client() as client:
        assert client.get("/early").reply().body == b"early"
        client.get("/", *HANDSHAKE)
        assert client.read(32) == b"HTTP/1.1 101 Switching Protocols"


def test_frames_sent_with_the_handshake_are_not_lost(served):
    """Though a client has to wait for the answer; a proxy may not."""
    with served.client() as client:
        lines = ["GET / HTTP/1.1", "Host: a", *HANDSHAKE, "", ""]
        masked = b"\x81\x85\x00\x00\x00\x00hello"
        client.send("\r\n".join(lines).encode() + masked)
        seen = b""
        while b"\x81\x05hello" not in seen:
            piece = client.read(1)
            assert piece, seen
            seen += piece


@pytest.mark.parametrize("listed", ["websocket", "h2c, WebSocket"])
def test_however_upgrade_is_spelled(served, listed):
    with served.client() as client:
        fields = [field for field in HANDSHAKE if "Upgrade:" not in field]
        client.get("/", *fields, "Connection: keep-alive, upgrade", f"Upgrade: {listed}")
        assert client.read(12) == b"HTTP/1.1 101"


# What is refused


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Sec-WebSocket-Version": "8"}, 400),
        ({"Sec-WebSocket-Version": None}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Host": "a b"}, 400),
        ({"Host": None}, 400),
        ({"Transfer-Encoding": "gzip"}, 501),
    ],
)
def test_a_handshake_that_is_none(served, changed, status):
    fields = dict(line.split(": ") for line in HANDSHAKE) | {"Host": "a"} | changed
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    with served.client() as client:
        client.send("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode())
        reply = client.reply()
        assert reply.status == status
        assert is_honest(reply)
        assert client.until_closed() == b""


@pytest.mark.parametrize(
    ("path", "status"), [("/deny", 403), ("/unknown", 403), ("/fail-early", 500)]
)
def test_an_application_that_takes_it_not(served, path, status):
    with served.client() as client:
        reply = client.get(path, *HANDSHAKE).reply()
        assert reply.status == status
        assert is_honest(reply)
        assert b"secret" not in reply.body
        assert client.until_closed() == b""


@pytest.mark.parametrize("ahead", [b"\x81\x05hello", b"nonsense", b"x" * 300_000])
def test_nonsense_before_a_refusal(served, ahead):
    before = len(served.output)
    lines = ["GET /deny HTTP/1.1", "Host: a", *HANDSHAKE, "", ""]
    with served.client() as client:
        with contextlib.suppress(ConnectionError):
            client.send("\r\n".join(lines).encode() + ahead)
        if len(ahead) < 100:  # more, unread, may end in a reset
            assert client.reply().status == 403
    assert "Traceback" not in "".join(served.output[before:])


def test_nonsense_for_frames(served):
    before = len(served.output)
    with served.client() as client:
        client.get("/", *HANDSHAKE)
        client.send(b"\x81\x05hello")  # a client's frames are masked (RFC 6455, 5.1)
        assert b"\x03\xea" in client.until_closed()  # 1002, protocol error
    served.says("left 1006" if "daphne" in served.process.args else "left 1002")
    assert "Traceback" not in "".join(served.output[before:])


def test_nonsense_before_the_application_says_anything(server):
    """Which is closed for that, and what the application sends goes nowhere."""
    lines = ["GET / HTTP/1.1", "Host: a", *HANDSHAKE, "", ""]
    with serving(server, module=MODULE) as served, served.client() as client:
        client.send("\r\n".join(lines).encode() + b"\x81\x05hello")
        assert b"\x03\xea" in client.until_closed()
        served.says("left 1006" if server == "daphne" else "left 1002")
        assert "Traceback" not in "".join(served.output)


@pytest.mark.parametrize("ahead", [b"", b"\x81\x05hello"])
def test_a_refusal_in_words_of_the_applications(ahead):
    """Which Daphne has not."""
    lines = ["GET /deny-with-page HTTP/1.1", "Host: a", *HANDSHAKE, "", ""]
    with serving("uvicorn", module=MODULE) as served, served.client() as client:
        client.send("\r\n".join(lines).encode() + ahead)
        reply = client.reply()
        assert (reply.status, reply.body) == (410, b"gone")
        assert "Traceback" not in "".join(served.output)


def test_an_application_that_thinks_too_long(server):
    limits = {"ACCEPTED_WITHIN": 0.5}
    with serving(server, module=MODULE, limits=limits) as served, served.client() as client:
        reply = client.get("/think", *HANDSHAKE).reply()
        assert reply.status == 403
        assert client.until_closed() == b""


def test_a_handshake_that_comes_too_slowly(server):
    with (
        serving(server, module=MODULE, limits={"HEADERS_WITHIN": 0.5}) as served,
        served.client() as client,
    ):
        client.send("\r\n".join(["GET / HTTP/1.1", "Host: a", *HANDSHAKE, ""]).encode())
        assert client.reply().status == 408


def test_an_open_one_outlives_the_times_of_requests(server):
    short = {"HEADERS_WITHIN": 0.3, "KEEP_ALIVE": 0.3, "ACCEPTED_WITHIN": 0.3, "LOOK_EVERY": 0.1}
    with serving(server, module=MODULE, limits=short) as served, talk(served) as talking:
        talking.recv(PATIENCE)
        with pytest.raises(TimeoutError):
            talking.recv(2.5)  # Daphne looks every two seconds
        talking.send("still there")
        assert talking.recv(PATIENCE) == "still there"


def test_they_count_among_the_connections(server):
    limits = {"MAX_CONNECTIONS": 2}
    with serving(server, module=MODULE, limits=limits) as served, talk(served) as one:
        with talk(served) as other:
            with served.client() as third:
                assert third.reply().status == 503
            other.recv(PATIENCE)
        one.recv(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while True:  # the place is free again
            with served.client() as third:
                if third.get("/").reply().status == 200:
                    return
            assert time.monotonic() < deadline


# How it ends


@pytest.mark.parametrize("code", [1000, 1008, 1011, 4000])
def test_the_application_closes(served, code):
    with talk(served, f"/close?{code}") as talking:
        assert closing(talking)[0] == code


def test_an_application_that_leaves_it_open(served):
    with talk(served, "/leave") as talking:
        assert closing(talking) == (1000, "")


def test_an_application_that_fails(served):
    with talk(served, "/fail") as talking:
        assert closing(talking) == (1011, "")


def test_a_message_that_is_too_long(served):
    with talk(served) as talking:
        talking.recv(PATIENCE)
        with contextlib.suppress(ConnectionClosedError):
            talking.send(b"x" * (MIB + 1))
        assert closing(talking)[0] == 1009


@pytest.mark.parametrize("over", [0, 1])
def test_a_message_of_too_many_fragments(served, over):
    with talk(served) as talking:
        talking.recv(PATIENCE)
        fragments = ["x", *[""] * (MAX_FRAGMENTS - 3 + over), "y"]  # and one that ends it
        with contextlib.suppress(ConnectionClosedError):
            talking.send(fragments)
        if over:
            assert closing(talking)[0] == 1009
        else:
            assert talking.recv(PATIENCE) == "xy"


def test_offers_too_long_for_its_protocol(served):
    with served.client() as client:
        offers = f"Sec-WebSocket-Protocol: {'x' * 16_000}"
        began = time.monotonic()
        client.get("/", *HANDSHAKE, offers)
        assert client.read(12) in (b"HTTP/1.1 101", b"HTTP/1.1 431")
        assert time.monotonic() - began < ACCEPTED_WITHIN / 2


def test_the_client_vanishes(served):
    with served.client() as client:
        client.get("/", *HANDSHAKE)
        assert client.read(12) == b"HTTP/1.1 101"
    served.says("left 1006" if "daphne" in served.process.args else "left 1005")


def test_who_sends_to_nobody_hears_of_it_next(served):
    with talk(served, "/late") as talking, served.client() as other:
        talking.send("one")
        talking.close()
        assert other.get("/release").reply().body == b"ok"
    served.says("told")


def test_an_application_that_does_nothing_but_send(server):
    with serving(server, module=MODULE, limits={"LEFT_WITHIN": 0.3}) as served:
        with talk(served, "/tell") as talking:
            assert talking.recv(PATIENCE) == "x"
        served.says("ended")
        with served.client() as other:
            assert other.get("/").reply().status == 200


# Memory


def test_an_application_waits_for_a_client_that_does_not_read(server):
    with serving(server, module=MODULE) as served, served.client() as client:
        before = served.memory()
        client.get("/flood", *HANDSHAKE)
        assert client.read(12) == b"HTTP/1.1 101"
        with served.client() as other:  # by its answer the flood had every chance to run ahead
            for _ in range(200):
                assert other.get("/").reply().status == 200
        assert served.is_quiet()
        assert served.memory() - before < 20 * MIB


def test_a_client_waits_for_an_application_that_does_not_listen(server):
    with serving(server, module=MODULE) as served, served.client() as client:
        before = served.memory()
        client.get("/deaf", *HANDSHAKE)
        assert client.read(12) == b"HTTP/1.1 101"
        client.timeout(1)
        piece = b"x" * 65536
        frame = b"\x81\xff" + len(piece).to_bytes(8) + b"\0\0\0\0" + piece
        with pytest.raises(TimeoutError):
            client.send(*[frame] * 3000)
        assert served.memory() - before < 20 * MIB
        with served.client() as other:
            assert other.get("/release").reply().body == b"ok"


# Draining


def test_the_front_stops(server):
    with serving(server, module=MODULE, graceful_timeout=10) as served, talk(served) as talking:
        talking.recv(PATIENCE)
        began = time.monotonic()
        served.terminate()
        assert closing(talking)[0] == 1012
        served.says("left 1012")
        assert served.exit_status() == 0
        assert time.monotonic() - began < 5


def test_what_is_sent_while_the_front_stops_goes_nowhere(server):
    with serving(server, module=MODULE, graceful_timeout=1) as served:
        with talk(served, "/tell") as talking:
            talking.recv(PATIENCE)
            served.terminate()
            assert closing(talking)[0] == 1012
        assert served.exit_status() == 0
        assert "Traceback" not in "".join(served.output)


def test_the_front_stops_before_it_is_open(server):
    with serving(server, module=MODULE, graceful_timeout=1) as served, served.client() as client:
        client.get("/think", *HANDSHAKE)
        served.says("thinking")
        served.terminate()
        reply = client.reply()
        assert reply.status in (403, 503)
        assert served.exit_status() == 0


def test_an_application_that_does_not_end_is_not_waited_for_too_long(server):
    with serving(server, module=MODULE, graceful_timeout=1) as served, talk(served, "/stay") as it:
        served.terminate()
        assert closing(it)[0] == 1012
        served.says("staying")
        assert served.exit_status() == 0


def test_a_client_that_does_not_answer_is_not_waited_for(server):
    with serving(server, module=MODULE, graceful_timeout=1) as served, served.client() as client:
        client.get("/", *HANDSHAKE)
        assert client.read(12) == b"HTTP/1.1 101"
        served.terminate()
        assert served.exit_status() == 0
        assert b"\x88\x02\x03\xf4" in client.until_closed().replace(b"\x0fservice restart", b"")


def test_none_is_refused_as_a_page_would_be(server):
    """Where the application is that of a project without consumers."""
    with serving(server) as served:
        host, port = served.address
        with pytest.raises(InvalidStatus) as refused, connect(f"ws://{host}:{port}/", proxy=None):
            pass
        assert refused.value.response.status_code in (403, 501)
