"""Which commands are in each function: found in the text of the scripts."""

import re
from collections.abc import Set
from typing import NamedTuple


class _Part(NamedTuple):
    """A helper or a script: the commands in it, and the helpers it names."""

    commands: frozenset[str]
    helpers: frozenset[str]


def commands_in(source: str) -> dict[str, frozenset[str]]:
    """Map each function to the commands in it and in the helpers it names, their helpers' too.

    Args:
        source: of the library: helpers, then each script in a block of its own.

    Returns:
        Spelled as the server's ACL has them: ``hset``, ``xinfo|stream``.
    """
    common, *scripts = re.split(r"^do\n", re.sub(r"--.*", "", source), flags=re.MULTILINE)
    found = re.findall(r"^(?:local )?function (\w+)(.*?)^end", common, re.MULTILINE | re.DOTALL)
    names = {name for name, _ in found}
    helpers = {name: _read(text, names) for name, text in found}
    commands = {}
    for script in scripts:
        (name,) = re.findall(r"^register\('(\w+)'", script, re.MULTILINE)
        used = _with_helpers(_read(script, names), helpers)
        commands[name] = frozenset().union(*(part.commands for part in used))
    return commands


def lua_table(commands: dict[str, frozenset[str]]) -> str:
    """Write them as a Lua table: function -> {{command, its subcommand or nil}, ...}."""
    functions = (
        f"  {name} = {{ {', '.join(map(_words, sorted(inside)))} }},\n"
        for name, inside in sorted(commands.items())
    )
    return f"local COMMANDS = {{\n{''.join(functions)}}}"


def _words(command: str) -> str:
    return "{ " + ", ".join(f"'{word.upper()}'" for word in command.split("|")) + " }"


def _read(text: str, helpers: Set[str]) -> _Part:
    calls = re.findall(r"redis\.p?call\('(\w+)'(?:, '([A-Z]{2,})', key)?", text)
    commands = frozenset("|".join(filter(None, call)).lower() for call in calls)
    return _Part(commands, frozenset(re.findall(r"\w+", text)) & helpers)


def _with_helpers(script: _Part, helpers: dict[str, _Part]) -> list[_Part]:
    used = {name: helpers[name] for name in script.helpers}
    unread = list(used)
    while unread:
        new = helpers[unread.pop()].helpers - used.keys()
        used |= {name: helpers[name] for name in new}
        unread += new
    return [script, *used.values()]
