"""The release that a worker is of: a version of the project's code, by its name."""

import re
from typing import NamedTuple

_is_name = re.compile(r"(?!-$)[^\s{}]{1,100}").fullmatch


class OwnRelease(NamedTuple):
    """What a worker says of its release, as arguments of scripts.

    Attributes:
        name: empty where it has none.
        standby: 1 where it claims nothing while no release is active, else 0.
    """

    name: str
    standby: int


NO_RELEASE = OwnRelease("", 0)


def is_release_name(text: str) -> bool:
    """Whether a release of this name can be activated: a word of at most 100 characters."""
    return _is_name(text) is not None
