"""Safeguards in the scripts that can be switched off.

Each file of scripts_off/ has functions in Lua that take the place of those of the same names in the
scripts; in them, `original` is the one whose place they take.
"""

import re
from pathlib import Path

from queueproxy.broker.scripts import Library

FOLDER = Path(__file__).with_name("scripts_off")
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.lua")))

_FUNCTION = re.compile(r"^function (\w+)\(.*?^end\n", re.MULTILINE | re.DOTALL)


def without(library: Library, name: str) -> Library:
    """Return the library, under another name, with one safeguard switched off.

    Args:
        name: one of `NAMES`.

    Raises:
        LookupError: the scripts have no such function, or several.
    """
    return changed(library, name, (FOLDER / f"{name}.lua").read_text())


def changed(library: Library, name: str, functions: str) -> Library:
    """Return the library, under another name, with these functions in the place of its own.

    Raises:
        LookupError: as `without`.
    """
    source = library.source
    for found in _FUNCTION.finditer(functions):
        source = _replaced(source, found[1], found[0])
    other = f"{library.name}_{name}"
    return Library(other, source.replace(library.name, other))


def _replaced(source: str, function: str, text: str) -> str:
    """Put a function's other text right behind its own, where it sees what that one sees."""
    own = re.compile(rf"^local function {function}\(.*?^end\n", re.MULTILINE | re.DOTALL)
    places = list(own.finditer(source))
    if len(places) != 1:
        raise LookupError(f"{len(places)} functions {function} in the scripts")
    end = places[0].end()
    return f"{source[:end]}do\nlocal original = {function}\n{text}end\n{source[end:]}"
