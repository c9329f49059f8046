"""The atomic state changes, as Lua: each file one script, its header says what goes in and out.

Read keys.py and records.py first, then `register` in _call.lua: what every script has in common.

They go to the server as one library of functions (Redis FUNCTION LOAD, FCALL; Redis 7.0, Valkey).
Unlike EVALSHA a function finds its helpers already made: a fifth less work for each call. The
library's name carries a digest of its text, so that releases live side by side during an upgrade.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ...exceptions import ScriptsUnreadable
from ...records import SCHEMA, lua_source
from ...route_table import OPS_QUEUE
from .commands import commands_in, lua_table

PARTS = (
    *("_common", "_call", "_clients", "_pieces", "_replies", "_groups", "_releases"),
    *(
        "_records",
        "_requests",
        "_places",
        "_waiting",
        "_lane",
        "_pace",
        "_recount",
        "_sweep",
        "_route_times",
    ),
)


class Library(NamedTuple):
    """All scripts as the server takes them: the prefix of their names, and the text."""

    name: str
    source: str


@cache
def library() -> Library:
    """Return the scripts of this release, read once.

    Raises:
        ScriptsUnreadable: their files could not be read.
    """
    try:
        return _read()
    except OSError as error:
        raise ScriptsUnreadable(f"The scripts can't be read: {error}") from error


def _read() -> Library:
    folder = files(__package__)
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".lua"))
    texts = [f"local SCHEMA, OPS_QUEUE = '{SCHEMA}', '{OPS_QUEUE}'", lua_source()]
    texts += [folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in PARTS]
    for name in names:
        if not name.startswith("_"):
            # Each in a block: what is local to one script is no business of the others.
            texts.append(f"do\n{folder.joinpath(name).read_text(encoding='utf-8')}end\n")
    commands = lua_table(commands_in("\n".join(texts)))
    text = "\n".join((commands, *texts))
    name = f"queueproxy_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return Library(name, f"#!lua name={name}\nlocal LIBRARY = '{name}'\n{text}")
