"""Reads sizes of memory as people write them: ``512MiB``, ``2G``, ``1.5GB``."""

import re

# As systemd and containers have them: a letter alone is of powers of 1024.
UNITS = {
    **{
        f"{letter}{rest}": 1024**power
        for power, letter in enumerate("KMGT", 1)
        for rest in ("", "iB")
    },
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", re.ASCII)


def bytes_of(text: str) -> int:
    """Read a size of memory, as bytes.

    Raises:
        ValueError: it is none, has no unit, or is nothing at all.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 512MiB or 2GiB")
    number, unit = match.groups()
    if not unit:
        raise ValueError(f"{text!r} has no unit: write {number}MiB or {number}GiB")
    known = {name.lower(): size for name, size in UNITS.items()}
    if unit.lower() not in known:
        raise ValueError(f"{text!r} has a unit that is none of {', '.join(UNITS)}")
    size = int(float(number) * known[unit.lower()])
    if size < 1:
        raise ValueError(f"{text!r} is nothing")
    return size
