"""Headers both ways, the request id, and whom the front believes about the client."""

import pytest

from queueproxy.front.http.headers import (
    forwardable_request_headers,
    parse_networks,
    peer_of,
    raw_path,
    reply_headers,
    request_id,
)


def scope(*headers: tuple[bytes, bytes], **changes) -> dict:
    return {"headers": list(headers), "scheme": "http", "client": ["10.0.0.1", 5000], **changes}


def test_order_duplicates_and_every_byte_are_kept():
    given = [(b"host", b"a"), (b"x-b", b"\xe9\xff"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    kept = forwardable_request_headers(scope(*given))
    assert [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept] == given


def test_hop_by_hop_and_the_fronts_own_are_dropped():
    names = (
        b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect "
        b"proxy-authorization x-request-id x-request-start daphne-root-path"
    )
    given = [(name, b"v") for name in names.split()]
    assert forwardable_request_headers(scope(*given, (b"accept", b"*/*"))) == [("accept", "*/*")]


def test_what_connection_names_is_dropped_but_not_what_gives_a_request_its_meaning():
    given = [
        (b"connection", b"close, X-Mine,host , Content-Length"),
        (b"host", b"a"),
        (b"x-mine", b"1"),
        (b"content-length", b"0"),
    ]
    assert forwardable_request_headers(scope(*given)) == [("host", "a"), ("content-length", "0")]


@pytest.mark.parametrize(
    "name",
    [
        *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"via"),
        *(b"x-real-ip", b"traceparent", b"authorization", b"cookie", b"content-type"),
    ],
)
def test_a_clients_connection_takes_nothing_that_a_proxy_set(name):
    given = [(b"connection", b"keep-alive, " + name.upper()), (name, b"1")]
    assert forwardable_request_headers(scope(*given)) == [(name.decode(), "1")]


def test_names_with_an_underscore_are_dropped():
    given = [(b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]
    assert forwardable_request_headers(scope(*given)) == [("x-forwarded-for", "1.2.3.4")]


@pytest.mark.parametrize("value", ["a", "A-z.0_9~+/=:@-", "x" * 128])
def test_a_well_formed_request_id_is_kept(value):
    assert request_id([(b"x-request-id", value.encode())]) == value


@pytest.mark.parametrize("value", [b"", b"x" * 129, b"a b", b'a"', b"a\n", b"\xe9", b"<a>"])
def test_any_other_request_id_is_replaced(value):
    made = request_id([(b"x-request-id", value)])
    assert made.encode("latin-1") != value
    assert len(made) == 32


def test_made_request_ids_differ():
    assert len({request_id([]) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"raw_path": b"/a%2Fb//../c", "path": "/a/b"}, "/a%2Fb//../c"),
        ({"raw_path": b"/a?x=1", "path": "/a"}, "/a"),
        ({"raw_path": None, "path": "/ü %?#"}, "/%C3%BC%20%25%3F%23"),
        ({"path": "/plain//../x"}, "/plain//../x"),
    ],
)
def test_raw_path(changes, expected):
    assert raw_path(changes) == expected


TRUSTED = parse_networks(["10.0.0.0/8", "2001:db8::/32"])


def client_of(*forwarded: bytes, peer: str = "10.0.0.1", trusted=TRUSTED) -> str:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    return peer_of(scope(*headers, client=[peer, 5000]), trusted).client[0]


def test_nobody_is_believed_by_default():
    assert client_of(b"1.2.3.4", trusted=()) == "10.0.0.1"


def test_a_stranger_is_not_believed():
    assert client_of(b"1.2.3.4", peer="8.8.8.8") == "8.8.8.8"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ([b"1.2.3.4"], "1.2.3.4"),
        ([b"6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ([b"6.6.6.6, 1.2.3.4, 10.9.9.9"], "1.2.3.4"),
        ([b"6.6.6.6", b"1.2.3.4"], "1.2.3.4"),
        ([b"10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ([b"1.2.3.4, nonsense"], "10.0.0.1"),
        ([b"1.2.3.4, nonsense, 10.3.3.3"], "10.3.3.3"),
        ([b"1.2.3.4:5555"], "1.2.3.4"),
        ([b"[2600::1]:5555"], "2600::1"),
        ([b"2600::1"], "2600::1"),
        ([b""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_right_most_untrusted_address_is_the_client(forwarded, expected):
    assert client_of(*forwarded) == expected


def test_ipv4_is_trusted_as_a_dual_stack_socket_shows_it():
    assert client_of(b"1.2.3.4", peer="::ffff:10.0.0.1") == "1.2.3.4"


@pytest.mark.parametrize(
    ("proto", "peer", "expected"),
    [
        (b"https", "10.0.0.1", "https"),
        (b"http, https", "10.0.0.1", "https"),
        (b"gopher", "10.0.0.1", "http"),
        (b"https", "8.8.8.8", "http"),
    ],
)
def test_scheme(proto, peer, expected):
    headers = [(b"x-forwarded-proto", proto)]
    assert peer_of(scope(*headers, client=[peer, 1]), TRUSTED).scheme == expected


def test_no_client_address_is_fine():
    assert peer_of(scope(client=None), TRUSTED).client is None


ON_A_SOCKET = [(b"x-forwarded-for", b"6.6.6.6, 1.2.3.4"), (b"x-forwarded-proto", b"https")]


@pytest.mark.parametrize("client", [None, ["", 0]])
def test_a_peer_on_a_unix_socket_is_trusted_where_the_settings_say_so(client):
    trusted = parse_networks(["unix:", "10.0.0.0/8"])
    seen = peer_of(scope(*ON_A_SOCKET, client=client), trusted)
    assert seen == (("1.2.3.4", 0), "https")


def test_a_peer_on_a_unix_socket_is_a_stranger_by_default():
    assert peer_of(scope(*ON_A_SOCKET, client=None), TRUSTED) == (None, "http")


def test_trust_in_a_socket_is_no_trust_in_an_address():
    seen = peer_of(scope(*ON_A_SOCKET), parse_networks(["unix:"]))
    assert seen == (("10.0.0.1", 5000), "http")


def test_reply_keeps_cookies_in_order_and_adds_date_and_id():
    sent = reply_headers([("Set-Cookie", "a=1"), ("Set-Cookie", "b=\xe9")], "id")
    assert sent[:2] == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=\xe9")]
    assert [name for name, _ in sent[2:]] == [b"date", b"x-request-id"]


def test_reply_has_one_date_the_views():
    sent = reply_headers([("Date", "then")], "id")
    assert [value for name, value in sent if name == b"date"] == [b"then"]


def test_what_the_server_adds_is_left_to_it():
    given = [("Date", "then"), ("Server", "mine"), ("X-Request-ID", "forged")]
    sent = reply_headers(given, "id", server_adds=frozenset((b"date", b"server")))
    assert sent == [(b"x-request-id", b"id")]


def test_reply_drops_what_belongs_to_a_connection():
    given = [("X-Mine", "1"), ("Connection", "x-mine"), ("Transfer-Encoding", "chunked")]
    assert {name for name, _ in reply_headers(given, "id")} == {b"date", b"x-request-id"}


@pytest.mark.parametrize(
    ("status", "length", "kept"),
    [(304, "5", False), (204, "5", False), (304, "0", True), (204, "0", True), (200, "5", True)],
)
def test_a_status_without_body_announces_none(status, length, kept):
    sent = reply_headers([("Content-Length", length)], "id", status=status)
    assert (b"content-length" in dict(sent)) == kept
