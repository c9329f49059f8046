"""Which requests are the same one: ids, Idempotency-Key, scope and fingerprint."""

import hashlib

import msgspec.structs
import pytest

from queueproxy.envelopes import Envelope, RequestHead
from queueproxy.exactly_once.identity import KeyMalformed, has_key, identity_of

HEAD = RequestHead(
    id="r1",
    request_id="chosen-by-the-client",
    method="POST",
    path="/orders/",
    query="",
    headers=[],
    scheme="https",
    http_version="1.1",
    front="f",
    queue="default",
    hold_ms=1000,
    max_attempts=10,
    sent=0,
)


def identity(key: str | None = '"k"', body: bytes = b"", headers=(), **changes):
    sent = [("Idempotency-Key", key)] if key is not None else []
    head = msgspec.structs.replace(HEAD, headers=[*sent, *headers], body_size=len(body), **changes)
    return identity_of(Envelope(head, body), "sessionid")


def test_without_a_key_it_is_the_fronts_own_id():
    """Never X-Request-ID, which a client may choose."""
    found = identity(None)
    assert found == ("r1", "r1", "")
    assert not found.has_clients_key


def test_with_a_key_other_requests_have_the_same_row():
    first, second = identity(), identity(id="r2", request_id="another")
    assert first.has_clients_key
    assert (first.request, second.request) == ("r1", "r2")
    assert first[1:] == second[1:]
    assert len(first.key) == 64


def test_quotation_marks_make_no_difference():
    assert identity("k") == identity('"k"') == identity(' "k" ')


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer a")],
        [("Cookie", "sessionid=a")],
        [("Cookie", "other=1; sessionid=b")],
    ],
)
def test_another_client_has_another_row(headers):
    assert identity(headers=headers).key != identity().key


def test_the_same_client_at_another_site_has_another_row():
    """One project may serve many, told apart by what the client or its proxy calls the host."""
    first, second = (identity(headers=[("Host", host)]) for host in ("a.example", "b.example"))
    assert first.key != second.key
    assert first.key == identity(headers=[("host", "A.example")]).key
    forwarded = [("Host", "a.example"), ("X-Forwarded-Host", "c.example")]
    assert first.key != identity(headers=forwarded).key


def test_other_cookies_do_not_count():
    first = identity(headers=[("Cookie", "sessionid=a; csrftoken=1")])
    assert first == identity(headers=[("cookie", "csrftoken=2"), ("cookie", "sessionid=a")])


def test_parts_can_not_be_moved_from_one_to_the_next():
    first = identity("bc", headers=[("Authorization", "a")])
    assert first.key != identity("c", headers=[("Authorization", "ab")]).key


@pytest.mark.parametrize(
    "changes",
    [{"method": "PUT"}, {"path": "/orders/1/"}, {"query": "a=1"}, {"body": b"a"}],
)
def test_another_request_has_another_fingerprint(changes):
    found = identity(**changes)
    assert found.key == identity().key
    assert found.fingerprint != identity().fingerprint


def test_a_body_has_one_fingerprint_wherever_it_is_kept():
    """Its front keeps a body for which there is no memory, whatever its size."""
    head = msgspec.structs.replace(
        HEAD, headers=[("Idempotency-Key", "k")], body_size=3, piece_size=1 << 19
    )
    kept = Envelope(head, b"", 0, hashlib.sha256(b"abc").digest())
    assert identity_of(kept, "sessionid") == identity("k", b"abc")


@pytest.mark.parametrize(
    "key",
    ["", '""', '"', "a b", '"a', 'a"b', "\x7f", "\xe9", "k" * 256, '"' + "k" * 256 + '"', "a\\b"],
)
def test_what_is_no_key(key):
    with pytest.raises(KeyMalformed):
        identity(key)


def test_two_keys_are_none():
    with pytest.raises(KeyMalformed):
        identity(headers=[("idempotency-key", "l")])


def test_the_longest_key():
    assert identity("k" * 255).has_clients_key


@pytest.mark.parametrize("key", ["k", ""])
def test_whether_one_was_sent(key):
    assert has_key([("idempotency-KEY", key)])
    assert not has_key([("Host", key)])
