"""Reads JSON that somebody else may have written: one error, whatever is wrong with it."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from .exceptions import DecodeError

T = TypeVar("T")

_decode_any = msgspec.json.Decoder().decode


def decoded(decode: Callable[[bytes], T], raw: bytes) -> T:
    """Return what `decode` makes of `raw`.

    Args:
        decode: the ``decode`` of a msgspec decoder.

    Raises:
        DecodeError: it is no JSON, not of the decoder's type, nested too deep, or holds what is
            neither UTF-8 nor a number that fits.
    """
    try:
        return decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise DecodeError(f"The JSON is not what it should be: {error}") from error


def json_object(raw: bytes | None) -> dict[str, Any]:
    """Parse a JSON object; empty where it is none: what is only shown must not fail."""
    try:
        value = decoded(_decode_any, raw or b"{}")
    except DecodeError:
        return {}
    return value if isinstance(value, dict) else {}
