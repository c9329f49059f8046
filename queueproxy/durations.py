"""Reads lengths of time and rates as people write them: ``90``, ``5m``, ``1h30m``; ``50/m``."""

import math
import re
from typing import Any

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}  # seconds
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)", re.ASCII)
_PARTS = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h|d))+", re.ASCII)
_RATE = re.compile(rf"({_NUMBER})(?:/([smhd]))?", re.ASCII)
_PLAIN = re.compile(rf"{_NUMBER}(?:[eE][0-9]{{1,3}})?", re.ASCII)


def seconds_of(text: str) -> float:
    """Read a length of time; a number alone is seconds.

    Raises:
        ValueError: it is none, or has a unit twice.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        seconds = float(text)
    elif _PARTS.fullmatch(text):
        parts = _PART.findall(text)
        if len({unit for _, unit in parts}) < len(parts):
            raise ValueError(f"{text!r} has a unit twice")
        seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    else:
        raise ValueError(f"{text!r} is not a length of time such as 90, 90s, 5m or 1h30m")
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is too long")
    return seconds


def in_seconds(value: Any) -> Any:
    """Return a setting's value as seconds where it is a text with a unit, else as it is.

    A number written as text is left for the setting's rule to object to: it may have any unit.
    """
    if isinstance(value, str) and value[-1:].isalpha():
        try:
            return seconds_of(value)
        except ValueError:
            pass
    return value


def rate_of(text: str) -> float:
    """Read a rate, as so many a second: ``50`` or ``50/s``, ``50/m``, ``50/h``, ``50/d``.

    Raises:
        ValueError: it is none, or nothing at all.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a rate such as 50/s, 50/m or 50/h")
    rate = float(match[1]) / UNITS[match[2] or "s"]
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(f"{text!r} lets nothing through")
    return rate
