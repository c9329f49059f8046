"""What crosses the wire: nothing altered, spliced or forged gets through."""

import msgspec
import msgspec.structs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueproxy.envelopes import (
    LARGEST_PIECE,
    PIECE_DIGEST,
    WIRE_VERSION,
    Codec,
    Frame,
    NotRun,
    ReplyHead,
    RequestHead,
    encoded_head,
    pieces_of,
    unverified_id,
)
from queueproxy.exceptions import BadSignature, DecodeError, UnknownVersion
from queueproxy.signing import DIGEST_OVER, digest_of

CODEC = Codec(["current"], "ns")
V = WIRE_VERSION
EXPIRES = 1_700_000_000_000  # ms


def request(body: bytes = b"", **fields) -> RequestHead:
    plain = {
        "id": "i1",
        "request_id": "r1",
        "method": "POST",
        "path": "/a%2Fb",
        "query": "q=1",
        "headers": [("Host", "a"), ("X-Latin", "caf\xe9")],
        "scheme": "https",
        "http_version": "1.1",
        "front": "f",
        "queue": "default",
        "hold_ms": 60000,
        "max_attempts": 1,
        "sent": 5,
        "client": ("127.0.0.1", 5),
        "body_size": len(body),
    }
    return RequestHead(**plain | fields)


def reply(**fields) -> ReplyHead:
    plain = {"id": "i1", "attempt": 1, "seq": 0, "status": 200, "headers": [("A", "b")]}
    return ReplyHead(**plain | fields)


def signed_request(body: bytes = b"", codec: Codec = CODEC, **fields) -> tuple[bytes, bytes, bytes]:
    """Head, body and signature."""
    head = encoded_head(request(body, **fields))
    raw, signature = codec.sign_request(head, EXPIRES, digest_of(body), len(body))
    return raw, body, signature


def signed_reply(body: bytes = b"", codec: Codec = CODEC, **fields) -> tuple[bytes, bytes, bytes]:
    head, signature = codec.encode_reply(Frame(reply(**fields), body))
    return head, body, signature


MAKE = {"request": signed_request, "reply": signed_reply}
DECODE = {
    "request": lambda *parts, codec=CODEC: codec.decode_request(V, *parts),
    "reply": lambda *parts, codec=CODEC: codec.decode_reply(V, *parts),
}
both = pytest.mark.parametrize("kind", ["request", "reply"])


def test_round_trips():
    head = request(b"body", root_path="/app", server=("s", None))
    raw, signature = CODEC.sign_request(encoded_head(head), EXPIRES, digest_of(b"body"), 4)
    envelope = CODEC.decode_request(V, raw, b"body", signature)
    signed = msgspec.structs.replace(head, expires=EXPIRES)
    assert (envelope.head, envelope.body) == (signed, b"body")
    again = CODEC.sign_request(encoded_head(signed), EXPIRES + 1, digest_of(b"body"), 4)
    assert again[0].count(b'"expires"') == 1
    assert CODEC.decode_request(V, again[0], b"body", again[1]).head.expires == EXPIRES + 1
    frame = Frame(reply(seq=3, more=True, aborted=True, wait_ms=1.5, run_ms=2.5), b"\x00\xff")
    raw, signature = CODEC.encode_reply(frame)
    assert CODEC.decode_reply(V, raw, frame.body, signature) == frame


@given(
    path=st.binary(max_size=50),
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=50)), max_size=5),
)
def test_every_byte_of_http_survives(path, headers):
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    raw, body, signature = signed_request(path=path.decode("latin-1"), headers=pairs)
    head = CODEC.decode_request(V, raw, body, signature).head
    assert head.path.encode("latin-1") == path
    assert [(n.encode("latin-1"), v.encode("latin-1")) for n, v in head.headers] == headers


@both
@pytest.mark.parametrize("body", [b"", b"a small body", b"x" * (DIGEST_OVER + 1)])
def test_every_byte_flipped_in_turn_is_refused(kind, body):
    parts = MAKE[kind](body)
    DECODE[kind](*parts)
    for which, part in enumerate(parts):
        step = max(1, len(part) // 500)  # of a large body, every so many
        for at in range(0, len(part), step):
            for mask in (0x01, 0x80, 0xFF):
                altered = bytearray(part)
                altered[at] ^= mask
                changed = (*parts[:which], bytes(altered), *parts[which + 1 :])
                with pytest.raises(DecodeError):
                    DECODE[kind](*changed)


@both
def test_cut_or_grown_is_refused(kind):
    parts = MAKE[kind](b"body")
    for which, part in enumerate(parts):
        for changed in (part[:-1], part[1:], part + b"0", b"0" + part, b""):
            with pytest.raises(DecodeError):
                DECODE[kind](*parts[:which], changed, *parts[which + 1 :])


@both
def test_bytes_moved_between_head_and_body_are_refused(kind):
    head, body, signature = MAKE[kind](b"body")
    for moved in range(1, 5):
        with pytest.raises(DecodeError):
            DECODE[kind](body[-moved:] + head, body[:-moved], signature)
    with pytest.raises(DecodeError):
        DECODE[kind](head[1:], body + head[:1], signature)


@both
def test_parts_of_two_are_not_spliced(kind):
    one, two = MAKE[kind](b"one", id="i1"), MAKE[kind](b"two", id="i2")
    for mask in range(1, 7):
        mixed = [two[at] if mask >> at & 1 else one[at] for at in range(3)]
        with pytest.raises(DecodeError):
            DECODE[kind](*mixed)


def test_a_digest_is_not_a_body():
    """The SHA-256 that stands for a large body must not pass as a body of 32 bytes."""
    large = b"x" * (DIGEST_OVER + 1)
    head, _, signature = signed_request(large)
    with pytest.raises(DecodeError):
        CODEC.decode_request(V, head, digest_of(large), signature)


@pytest.mark.parametrize("size", [DIGEST_OVER, DIGEST_OVER + 1])
def test_large_bodies_are_signed_by_their_digest(size):
    body = b"x" * size
    head, body, signature = signed_request(body)
    assert CODEC.decode_request(V, head, body, signature).body == body
    assert (len(digest_of(body)) == 32) == (size > DIGEST_OVER)


PIECES = request(b"x" * 25, piece_size=10)
DIGESTS = b"d" * 3 * PIECE_DIGEST


def decoded_in_pieces(digests: bytes, codec: Codec = CODEC, **changes):
    head = encoded_head(msgspec.structs.replace(PIECES, **changes))
    raw, signature = codec.sign_request(head, EXPIRES, digest_of(digests), len(digests))
    return codec.decode_request(V, raw, digests, signature)


def test_a_body_that_stays_at_the_front_is_signed_by_the_digests_of_its_pieces():
    envelope = decoded_in_pieces(DIGESTS)
    assert (envelope.body, envelope.digests) == (b"", DIGESTS)
    assert pieces_of(envelope.head) == 3
    assert pieces_of(request(b"x" * 25)) == 0


@pytest.mark.parametrize(
    ("digests", "changes"),
    [
        *((DIGESTS[:-1], {}), (DIGESTS + b"d", {}), (b"", {}), (b"x" * 25, {})),
        *((DIGESTS, {"body_size": size}) for size in (20, 31, 0, -1)),
        *((DIGESTS, {"piece_size": size}) for size in (-1, 5, LARGEST_PIECE + 1)),
        (DIGESTS[:PIECE_DIGEST], {"piece_size": LARGEST_PIECE + 1}),
    ],
)
def test_digests_that_are_not_those_of_the_pieces_are_refused(digests, changes):
    with pytest.raises(DecodeError):
        decoded_in_pieces(digests, **changes)


def test_there_are_no_digests_where_signing_is_off():
    unsigned = Codec((), "ns")
    assert decoded_in_pieces(b"", unsigned).digests == b""
    with pytest.raises(DecodeError):
        decoded_in_pieces(DIGESTS, unsigned)


def test_a_request_key_signs_no_reply_and_the_other_way_round():
    head, body, signature = signed_request()
    with pytest.raises(DecodeError, match="signature"):
        CODEC.decode_reply(V, head, body, signature)
    head, body, signature = signed_reply()
    with pytest.raises(DecodeError, match="signature"):
        CODEC.decode_request(V, head, body, signature)


@both
def test_key_rotation(kind):
    old, new = Codec(["old"], "ns"), Codec(["new", "old"], "ns")
    DECODE[kind](*MAKE[kind](codec=old), codec=new)  # what was signed before the change
    with pytest.raises(DecodeError):
        DECODE[kind](*MAKE[kind](codec=new), codec=old)  # signed with the new key at once
    with pytest.raises(DecodeError):
        DECODE[kind](*MAKE[kind](codec=old), codec=Codec(["new"], "ns"))


@both
def test_what_is_signed_for_one_namespace_counts_in_no_other(kind):
    parts = MAKE[kind](codec=Codec(["current"], "one"))
    DECODE[kind](*parts, codec=Codec(["current"], "one"))
    for other in ("two", "one/", "", "request/one"):
        with pytest.raises(BadSignature):
            DECODE[kind](*parts, codec=Codec(["current"], other))


@both
def test_what_version_1_signed_counts_no_more(kind, monkeypatch):
    """Also under the version's new name."""
    with monkeypatch.context() as before:
        before.setattr("queueproxy.signing.WIRE_VERSION", "1")
        parts = MAKE[kind](codec=Codec(["current"], "ns"))
    with pytest.raises(BadSignature):
        DECODE[kind](*parts)


def test_secrets_as_text_and_bytes_are_the_same():
    DECODE["request"](*signed_request(codec=Codec([b"current"], "ns")))


@both
def test_an_unsigned_one_is_refused(kind):
    head, body, signature = MAKE[kind](codec=Codec((), "ns"))
    assert signature == b""
    with pytest.raises(DecodeError):
        DECODE[kind](head, body, signature)
    DECODE[kind](head, body, signature, codec=Codec((), "ns"))  # signing is off at both ends


@both
@pytest.mark.parametrize("version", ["", "0", "1", "2", "4", "33", "3 "])
def test_another_version_is_left_for_who_knows_it(kind, version):
    decode = {"request": CODEC.decode_request, "reply": CODEC.decode_reply}[kind]
    with pytest.raises(UnknownVersion):
        decode(version, *MAKE[kind]())


def test_fields_of_the_next_release_are_ignored():
    """N+1 may add fields; a field of N that is left out has its default."""
    plain = Codec((), "ns")
    told = msgspec.json.decode(signed_request()[0]) | {"new": {"a": 1}}
    told.pop("client")
    envelope = plain.decode_request(V, msgspec.json.encode(told), b"", b"")
    assert envelope.head == request(client=None, expires=EXPIRES)
    told = msgspec.json.decode(signed_reply()[0]) | {"trailers": [1]}
    assert plain.decode_reply(V, msgspec.json.encode(told), b"", b"").head == reply()


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"{", b"null", b"[]", b'"x"', b"{}", b"\xff\xfe", b"\x00" * 100, b"[" * 100_000),
        msgspec.json.encode(msgspec.to_builtins(request()) | {"hold_ms": "soon"}),
        msgspec.json.encode(msgspec.to_builtins(request()) | {"headers": [["a"]]}),
        msgspec.json.encode(msgspec.to_builtins(request()) | {"body_size": 1}),
    ],
)
def test_nonsense_is_a_decode_error(head):
    with pytest.raises(DecodeError):
        Codec((), "ns").decode_request(V, head, b"", b"")


def test_each_character_altered_of_a_proof_is_refused():
    proof = CODEC.prove_not_run(NotRun("i1", "1-1", 1, 2))
    assert CODEC.read_not_run("i1", "1-1", 1, proof).sending == 2
    for at, character in enumerate(proof):
        altered = proof[:at] + ("0" if character != "0" else "1") + proof[at + 1 :]
        with pytest.raises(DecodeError):
            CODEC.read_not_run("i1", "1-1", 1, altered)
    for cut in ("", proof[:-1], proof[:-2], proof + "0", proof + "00", "\u0662" + proof[1:]):
        with pytest.raises(DecodeError):
            CODEC.read_not_run("i1", "1-1", 1, cut)


def test_a_database_is_proved_too():
    word = NotRun("i1", "1-1", 1, 2, "orders")
    for codec in (CODEC, Codec((), "ns")):
        assert codec.read_not_run("i1", "1-1", 1, codec.prove_not_run(word)) == word
    proof = CODEC.prove_not_run(word)
    with pytest.raises(DecodeError):
        CODEC.read_not_run("i1", "1-1", 1, proof.replace("orders", "others"))


def test_the_signature_of_a_frame_is_no_proof():
    word = msgspec.json.encode(NotRun("i1", "1-1", 1, 1))
    for sign in (CODEC._replies.sign, CODEC._requests.sign):
        with pytest.raises(BadSignature):
            CODEC.read_not_run("i1", "1-1", 1, f"1 {sign(word, b'', 0).hex()}")


def test_a_proof_is_signed_with_the_key_of_its_request():
    """In a rotation its front knows that one alone."""
    worker = Codec(["next", "current"], "ns")
    word = NotRun("i1", "1-1", 1, 1)
    assert CODEC.read_not_run("i1", "1-1", 1, worker.prove_not_run(word, secret_index=1)) == word


def test_claimed_id_reads_what_it_can():
    assert unverified_id(signed_reply(id="x")[0]) == "x"
    for head in (b"", b"{}", b'{"id": 5}', b"\xff", b"[]"):
        assert unverified_id(head) == ""
