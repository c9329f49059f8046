"""Chooses the form of the front's own answers by what their client accepts (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from .headers import RawHeader


class Form(Enum):
    """The forms there are; in order of preference among those that a client names itself."""

    PROBLEM = "application/problem+json"  # RFC 9457
    HTML = "text/html"
    TEXT = "text/plain"


# Among those that a client accepts by a wildcard: programs such as curl send ``*/*``.
_UNNAMED = (Form.TEXT, Form.HTML, Form.PROBLEM)
# Quoted strings may have commas and semicolons. One that does not end goes to the end: each of
# these matches wherever it is tried, so that no header makes them try again and again.
_STRING = r'"(?:[^"\\]|\\.?)*(?:"|\Z)'
_ELEMENT = re.compile(rf'(?:[^,"]|{_STRING})+', re.DOTALL)  # of a list
_PART = re.compile(rf'(?:[^;"]|{_STRING})+', re.DOTALL)  # of an element
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?").fullmatch  # RFC 9110, 12.4.2
LONGEST = 1024  # bytes of an Accept that are looked at; browsers send some 150


class _Range(NamedTuple):
    """One media range.

    Attributes:
        kind, subtype: in lower case; ``*`` for any.
        narrowed: whether it has parameters beside its weight.
        quality: its weight, 0 to 1.
    """

    kind: str
    subtype: str
    narrowed: bool
    quality: float

    def closeness(self, form: Form) -> int:
        """How closely it describes the form; 0 where it does not at all."""
        kind, _, subtype = form.value.partition("/")
        if (self.kind, self.subtype) == ("*", "*"):
            return 1
        if self.kind != kind:
            return 0
        if self.subtype == "*":
            return 2
        if self.subtype == subtype:
            return 5
        # Who asks for JSON of any kind reads this one too.
        other_json = self.subtype == "json" or self.subtype.endswith("+json")
        return 3 if form is Form.PROBLEM and other_json else 0


def form_for(headers: Iterable[RawHeader]) -> Form:
    """Return the form in which a client wants to be told what became of its request.

    The one with the highest weight; of those with the same weight one that the header names, JSON
    before HTML before text, else text. Text too where none is accepted, and where there is no
    Accept. Parameters of a media range count for nothing but to make it the second to be asked.

    Args:
        headers: of the request.
    """
    return _form(b",".join(value for name, value in headers if name == b"accept")[:LONGEST])


@lru_cache(maxsize=256)  # there are few browsers, and a crowd may be turned away at once
def _form(accept: bytes) -> Form:
    ranges = list(_ranges(accept.decode("latin-1")))
    best, rank = Form.TEXT, (0.0, 0, 0)
    for form in Form:
        quality, closeness = _weight(form, ranges)
        named = closeness > 2
        order = list(Form) if named else _UNNAMED
        found = (quality, named, -order.index(form))
        if quality > 0 and found > rank:
            best, rank = form, found
    return best


def _weight(form: Form, ranges: Iterable[_Range]) -> tuple[float, int]:
    """Weight of a form and how closely the range describes it that says so: the closest one."""
    closest = (0, False, 0.0)
    for one in ranges:
        closeness = one.closeness(form)
        if closeness:
            closest = max(closest, (closeness, not one.narrowed, one.quality))
    return closest[2], closest[0]


def _ranges(accept: str) -> Iterator[_Range]:
    """List what can be read of the header's elements; what can't is left out."""
    for element in _ELEMENT.findall(accept):
        media, *parameters = [part.strip() for part in _PART.findall(element)] or [""]
        kind, slash, subtype = media.lower().partition("/")
        quality, narrowed = "1", False
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                quality = value.strip()
                break  # what follows was once an extension of Accept
            narrowed = True
        if slash and kind and subtype and _QUALITY(quality):
            yield _Range(kind, subtype, narrowed, float(quality))
