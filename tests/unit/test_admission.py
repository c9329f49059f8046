"""What is refused before it is queued, and how the refusals read."""

import re

import pytest

from queueproxy.front.http import refusals
from queueproxy.front.http.admission import admit
from queueproxy.front.http.own_answers import response

LIMIT = 1000


def scope(*headers: tuple[bytes, bytes], host: bytes | None = b"example.com", **changes) -> dict:
    given = [*headers] if host is None else [(b"host", host), *headers]
    return {"method": "GET", "http_version": "1.1", "path": "/", "headers": given, **changes}


def status(scope: dict) -> int | None:
    refusal = admit(scope, max_body=LIMIT)
    return refusal and refusal.status


@pytest.mark.parametrize("method", ["GET", "PURGE", "M-SEARCH", "get", "X!#$%&'*+.^_`|~0"])
def test_any_token_is_a_method(method):
    assert status(scope(method=method)) is None


@pytest.mark.parametrize("method", ["", "GE T", "GET\x00", "GÉT", "G(T)"])
def test_what_is_no_token_is_no_method(method):
    assert status(scope(method=method)) == 400


def test_connect_is_not_implemented():
    assert status(scope(method="CONNECT", path="example.com:443")) == 501


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("OPTIONS", "*", None),
        ("GET", "*", 400),
        ("GET", "", 400),
        ("GET", "http://example.com/", 400),
        ("GET", "//evil/ok/", None),
    ],
)
def test_targets(method, path, expected):
    assert status(scope(method=method, path=path)) == expected


@pytest.mark.parametrize(
    "host",
    [
        b"example.com",
        b"EXAMPLE.com:8000",
        b"example.com:",
        b"127.0.0.1:80",
        b"[::1]:8000",
        b"[2001:db8::1]",
        b"under_score.example",
        b"xn--bcher-kva.example",
        b"a%20b",
    ],
)
def test_valid_hosts(host):
    assert status(scope(host=host)) is None


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b":80",
        b"a b",
        b"a/b",
        b"user@example.com",
        b"example.com:80:80",
        b"example.com:port",
        b"[::1",
        b"[:::]",
        b"[1.2.3.4]",
        b"a%zz",
        b"a?b",
        b"a\\b",
        b"a,b;c/",
        b"b\xc3\xbccher",
        b"example.com\n",
    ],
)
def test_invalid_hosts(host):
    assert status(scope(host=host)) == 400


@pytest.mark.parametrize(("version", "expected"), [("1.0", None), ("1.1", 400), ("2", 400)])
def test_only_old_http_goes_without_host(version, expected):
    assert status(scope(host=None, http_version=version)) == expected


@pytest.mark.parametrize("version", ["0.9", "1.2", "1.9", "4", ""])
def test_other_versions_are_not_spoken(version):
    assert status(scope(http_version=version)) == 505


@pytest.mark.parametrize("version", ["1.1", "2", "3"])
def test_versions_that_servers_speak(version):
    assert status(scope(http_version=version)) is None


@pytest.mark.parametrize("path", [b"/a\x7f", b"/a#b", b"/#", b"/a\x00", b"/a b", b"/\x1b"])
def test_what_no_path_contains(path):
    assert status(scope(raw_path=path)) == 400


KEY = (b"sec-websocket-key", b"x")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"upgrade", b"WebSocket"), KEY], 501),
        ([(b"upgrade", b"h2c, websocket"), KEY], 501),
        ([(b"upgrade", b"websocket")], None),
        ([(b"upgrade", b"h2c")], None),
        ([KEY], None),
    ],
)
def test_a_websocket_is_not_queued(headers, expected):
    assert status(scope(*headers)) == expected


def test_two_hosts_are_refused_even_if_alike():
    assert status(scope((b"host", b"example.com"))) == 400


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([b"0"], None),
        ([b"1000"], None),
        ([b"1001"], 413),
        ([b"9" * 5000], 413),
        ([b"5", b"5"], 400),
        ([b"5", b"6"], 400),
        ([b"-1"], 400),
        ([b"+1"], 400),
        ([b"1,1"], 400),
        ([b"0x10"], 400),
        ([b""], 400),
        ([b"\xb2"], 400),
    ],
)
def test_content_length(lengths, expected):
    headers = [(b"content-length", value) for value in lengths]
    assert status(scope(*headers, method="POST")) == expected


@pytest.mark.parametrize(
    ("codings", "expected"),
    [
        ([b"chunked"], None),
        ([b"Chunked "], None),
        ([b"gzip, chunked"], 501),
        ([b"gzip", b"chunked"], 501),
        ([b"identity"], 501),
        ([b"chunked, chunked"], 501),
        ([b""], 501),
    ],
)
def test_transfer_coding(codings, expected):
    headers = [(b"transfer-encoding", value) for value in codings]
    assert status(scope(*headers, method="POST")) == expected


def test_transfer_coding_contradicts_a_length():
    both = [(b"transfer-encoding", b"chunked"), (b"content-length", b"5")]
    assert status(scope(*both, method="POST")) == 400


def test_old_http_has_no_transfer_coding():
    headers = [(b"transfer-encoding", b"chunked")]
    assert status(scope(*headers, method="POST", http_version="1.0")) == 400


@pytest.mark.parametrize("byte", [b"\r", b"\n", b"\0", b"\x0b", b"\x1f", b"\x7f"])
def test_control_characters_in_values(byte):
    assert status(scope((b"x-a", b"1" + byte + b"2"))) == 400


@pytest.mark.parametrize("byte", [b"\t", b" ", b"\x80", b"\x85", b"\xff"])
def test_any_other_byte_in_values(byte):
    assert status(scope((b"x-a", b"1" + byte + b"2"))) is None


ALL = [
    *(value for value in vars(refusals).values() if isinstance(value, refusals.Refusal)),
    refusals.bad_request("No."),
    refusals.not_implemented("No."),
]


@pytest.mark.parametrize("refusal", ALL, ids=lambda refusal: f"{refusal.status} {refusal.detail}")
def test_every_refusal_is_an_honest_answer(refusal):
    status, headers, body = response(refusal, "id-1")
    fields = dict(headers)
    assert len(fields) == len(headers)
    assert status == refusal.status
    assert fields[b"cache-control"] == b"no-store"
    assert fields[b"x-request-id"] == b"id-1"
    assert int(fields[b"content-length"]) == len(body)
    assert b"id-1" in body
    assert re.fullmatch(
        rb'queueproxy; error=[a-z_]+; details="[\x20-\x21\x23-\x5b\x5d-\x7e]+"',
        fields[b"proxy-status"],
    )
    assert (b"retry-after" in fields) == (status == 503)
    assert ("safe to send the request again" in refusal.detail) == (status == 503)


def test_details_are_escaped():
    _, headers, _ = response(refusals.bad_request('a "b" \\c'), "id")
    assert dict(headers)[b"proxy-status"].endswith(rb'details="a \"b\" \\c"')


def test_head_has_the_length_and_no_body():
    _, headers, body = response(refusals.QUEUE_FULL, "id", scope(method="HEAD"))
    assert body == b""
    assert int(dict(headers)[b"content-length"]) > 0


def test_date_is_left_to_a_server_that_adds_it():
    _, with_date, _ = response(refusals.QUEUE_FULL, "id")
    _, without, _ = response(refusals.QUEUE_FULL, "id", server_adds=frozenset((b"date",)))
    assert b"date" in dict(with_date)
    assert b"date" not in dict(without)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("queue_full", 503),
        ("group_full", 503),
        ("memory_full", 503),
        ("hold_expired", 503),
        ("not_committed", 503),
        ("worker_lost", 502),
        ("?", 502),
    ],
)
def test_failures_of_the_broker(reason, status):
    assert refusals.for_failure(reason).status == status
