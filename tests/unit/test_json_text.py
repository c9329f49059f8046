"""Whatever somebody wrote where JSON should be: one error, or nothing."""

import msgspec
import pytest

from queueproxy.envelopes import WIRE_VERSION, Codec, unverified_id
from queueproxy.exceptions import DecodeError
from queueproxy.json_text import decoded, json_object

HOSTILE = {
    "empty": b"",
    "no JSON": b"\x00\x01",
    "cut short": b'{"id": "a',
    "nested too deep": b"[" * 100_000,
    "objects nested too deep": b'{"id":' * 100_000,
    "not UTF-8": b'{"id": "\xff"}',
    "a key that is not UTF-8": b'{"\xff": 1}',
    "half of a surrogate pair": b'{"id": "\\ud800"}',
    "a number of 10,000 digits": b'{"id": ' + b"9" * 10_000 + b"}",
    "a number out of range": b'{"id": 1e999}',
    "another type": b"[1, 2]",
    "a field of another type": b'{"id": 7}',
    "no number": b'{"id": NaN}',
}


class _Typed(msgspec.Struct):
    id: str


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_only_decode_error_is_raised(raw):
    with pytest.raises(DecodeError):
        decoded(msgspec.json.Decoder(_Typed).decode, raw)
    with pytest.raises(DecodeError):
        Codec((), "ns").decode_request(WIRE_VERSION, raw, b"", b"")
    with pytest.raises(DecodeError):
        Codec((), "ns").decode_reply(WIRE_VERSION, raw, b"", b"")
    assert unverified_id(raw) == ""


@pytest.mark.parametrize("raw", [None, *HOSTILE.values()], ids=["nothing", *HOSTILE])
def test_what_is_only_shown_does_not_fail(raw):
    assert json_object(raw) in ({}, {"id": 7})


def test_what_is_right_is_read():
    assert json_object(b'{"a": [1]}') == {"a": [1]}
    assert decoded(msgspec.json.Decoder(_Typed).decode, b'{"id": "x"}').id == "x"
