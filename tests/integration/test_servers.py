"""Both servers on real sockets: what comes in, what goes out, and how it breaks off."""

import contextlib
import json
import re

import pytest

from queueproxy.servers import SERVERS

from .server_app import LIMIT, PIECE
from .serving import Client, Reply, Served, serving

MIB = 1024 * 1024


@pytest.fixture(scope="module", params=SERVERS)
def served(request):
    with serving(request.param) as served:
        yield served


@pytest.fixture
def client(served):
    with served.client() as client:
        yield client


def seen(client: Client, *parts: bytes) -> dict:
    """What the application saw of a request."""
    reply = client.send(*parts).reply()
    assert reply.status == 200, reply
    return json.loads(reply.body)


def is_honest(reply: Reply) -> bool:
    """Whether a refusal has all that P4 asks for."""
    fields = reply.headers
    return (
        fields["cache-control"] == "no-store"
        and bool(re.fullmatch(r'queueproxy; error=\w+; details=".+"', fields["proxy-status"]))
        and fields["x-request-id"] in reply.body.decode()
        and "date" in fields
        and fields["connection"] == "close"
    )


# What comes in


def test_path_query_and_header_bytes_arrive_as_sent(client):
    got = seen(client, b"GET //a%2Fb/../%C3%BC?q=%20x HTTP/1.1\r\nHost: a\r\nX-B: \xe9\x85\r\n\r\n")
    assert got["raw_path"] == "//a%2Fb/../%C3%BC"
    assert got["path"] == "//a/b/../\u00fc"
    assert got["query"] == "q=%20x"
    assert ["x-b", "\xe9\x85"] in got["headers"]


def test_duplicates_keep_their_order(client):
    got = seen(client, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\nX-A: 1\r\n\r\n")
    assert [value for name, value in got["headers"] if name == "x-a"] == ["1", "2", "1"]


def test_of_an_absolute_target_the_authority_is_the_host(client):
    got = seen(client, b"GET http://right:81/p?q HTTP/1.1\r\nHost: wrong\r\n\r\n")
    assert ["host", "right:81"] in got["headers"]
    assert (got["path"], got["raw_path"], got["query"]) == ("/p", "/p", "q")


def test_options_of_the_server_itself(client):
    assert seen(client, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")["path"] == "*"


def test_a_client_cannot_set_the_root_path(client):
    got = seen(client, b"GET / HTTP/1.1\r\nHost: a\r\nDaphne-Root-Path: /evil\r\n\r\n")
    assert got["root_path"] == ""


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5", b"hello"),
        (b"Transfer-Encoding: chunked", b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("extra", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_bodies(client, framing, body, extra):
    head = b"POST / HTTP/1.1\r\nHost: a\r\n" + extra + framing + b"\r\n\r\n"
    assert seen(client, head, body)["body"] == "hello"
    assert seen(client, head, body)["body"] == "hello"  # the connection goes on


def test_a_form_is_not_the_servers_to_judge(client):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data\r\n"
    assert seen(client, head, b"Content-Length: 2\r\n\r\nhi")["body"] == "hi"


def test_continue_is_said_when_the_body_is_wanted(client):
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.read(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert seen(client, b"hi")["body"] == "hi"


def test_continue_is_not_said_before_a_refusal(client):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    assert client.send(head % (LIMIT + 1)).reply().status == 413


def test_pipelined_requests_are_answered_in_order(client):
    one = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    client.send(one % 1 + one % 2 + one % 3)
    assert [json.loads(client.reply().body)["path"] for _ in range(3)] == ["/1", "/2", "/3"]


# What is refused

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (400, b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n"),
        (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        (400, POST + b"Content-Length: -5\r\n\r\n"),
        (400, POST + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (501, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        (413, POST + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1)),
        (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1234567890\r\n" * 9000 + b"\r\n"),
        (414, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    ],
)
def test_refusals_are_honest_and_close(client, status, raw):
    reply = client.send(raw).reply()
    assert reply.status == status
    assert is_honest(reply)
    assert client.until_closed() == b""


def test_headers_that_never_end_are_refused(client):
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *[b"x" * 10_000] * 7)
    assert client.reply().status == 431


def test_a_body_of_exactly_the_limit_is_taken(client):
    got = seen(client, POST + b"Content-Length: %d\r\n\r\n" % LIMIT, b"x" * LIMIT)
    assert len(got["body"]) == LIMIT


def test_a_chunked_body_past_the_limit_is_refused_and_the_reason_read(client):
    chunks = [b"10000\r\n" + PIECE + b"\r\n"] * (4 * LIMIT // len(PIECE))
    client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
    reply = client.reply()
    assert reply.status == 413
    assert is_honest(reply)


def test_a_body_that_stops_coming_is_refused(client):
    reply = client.send(POST + b"Content-Length: 5\r\n\r\nhe").reply()
    assert reply.status == 408
    assert is_honest(reply)


def test_a_body_nobody_read_is_never_taken_for_a_request(client):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    assert client.send(head % len(smuggled)).reply().body == b"early"
    with contextlib.suppress(ConnectionError):  # which a server may well have closed
        client.send(smuggled, b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"smuggled" not in client.until_closed()


# What goes out


@pytest.mark.parametrize("line", ["HEAD /two-pieces", "GET /bodiless?204", "GET /bodiless?304"])
def test_answers_without_a_body_have_none(client, line):
    client.send(f"{line} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert client.reply(bodiless=True).headers["x-a"] == "1"
    assert seen(client, b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")["path"] == "/next"


def test_a_stream_is_chunked(client):
    raw = client.get("/two-pieces", "Connection: close").until_closed()
    assert raw.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_to_http_1_0_an_answer_with_a_length_is_plain(client):
    head, _, body = client.get("/", version="1.0").until_closed().partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert json.loads(body)["path"] == "/"


@pytest.mark.parametrize("path", ["/fail-after-start", "/leave-after-start"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_unfinished_answer_is_never_framed_as_complete(served, path, version):
    with served.client() as client:
        client.get(path, version=version)
        if version == "1.0":
            with pytest.raises(ConnectionResetError):
                client.read(MIB)
        else:
            assert not client.until_closed().endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/too-short", "/too-long"])
def test_an_answer_is_held_to_its_length(client, path):
    _, _, body = client.get(path).until_closed().partition(b"\r\n\r\n")
    assert body in (b"", b"123")
    assert path != "/too-long" or body == b""


def test_a_failure_of_the_front_is_honest_and_tells_nothing(client):
    reply = client.get("/fail").reply()
    assert reply.status == 500
    assert is_honest(reply)
    assert b"secret" not in reply.body


def test_failures_leave_the_server_whole(served):
    for path in ["/fail-after-start", "/fail", "/too-short"]:
        with served.client() as client:
            client.get(path).until_closed()
    with served.client() as client:
        assert client.get("/").reply().status == 200


def test_the_application_sees_its_client_leave(served):
    with served.client() as client:
        client.get("/watch")
        served.says("watching")
    served.says("left")


# Memory


@pytest.fixture(params=SERVERS)
def fresh(request):
    with serving(request.param) as served:
        yield served


def grown(served: Served, before: int) -> int:
    return served.memory() - before


def test_an_upload_is_not_gathered_in_memory(fresh):
    before = fresh.memory()
    with fresh.client() as client:
        size = 200 * MIB
        head = b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
        client.send(head, *[PIECE] * (size // len(PIECE)))
        assert client.reply().body == b"%d" % size
    assert grown(fresh, before) < 20 * MIB


def test_an_upload_waits_for_an_application_that_does_not_read(fresh):
    before = fresh.memory()
    with fresh.client() as client:
        head = b"POST /sink?slow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (100 * MIB)
        client.send(head)
        fresh.says("not reading")
        client.timeout(1)
        with pytest.raises(TimeoutError):
            client.send(*[PIECE] * (100 * MIB // len(PIECE)))
    assert grown(fresh, before) < 20 * MIB


def test_a_stream_waits_for_a_client_that_does_not_read(fresh):
    before = fresh.memory()
    with fresh.client() as client:
        client.get(f"/stream?{200 * MIB // len(PIECE)}")
        assert client.read(MIB)
        with fresh.client() as other:  # by its answer the stream had every chance to run ahead
            for _ in range(200):
                assert other.get("/").reply().status == 200
        assert fresh.is_quiet()  # the stream is not at its end
        assert grown(fresh, before) < 20 * MIB
        rest = client.get("/end", "Connection: close").until_closed()
        assert len(rest) > 190 * MIB
    fresh.says("streamed")
    assert grown(fresh, before) < 20 * MIB
