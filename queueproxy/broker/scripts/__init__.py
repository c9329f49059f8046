"""The atomic state changes, as Lua: each file one script, its header says what goes in and out.

A script names the parts it builds on in its first line (``-- include: requests, sweep``).
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

NO_SCRIPT = "NOSCRIPT"


class Script(NamedTuple):
    """One script as the server knows it: its text, and the SHA-1 that EVALSHA asks for."""

    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script of that name, its includes put in.

    Raises:
        FileNotFoundError: there is no such script.
    """
    body = _read(name)
    first = body.split("\n", 1)[0]
    includes = first.removeprefix("-- include: ").split(", ") if "-- include: " in first else []
    parts = [_read("_common"), *(_read(f"_{part}") for part in includes), body]
    source = "\n".join(parts)
    return Script(source, hashlib.sha1(source.encode()).hexdigest())


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
