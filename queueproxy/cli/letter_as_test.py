"""Writes a dead letter as a test case of Django's, which fails as its request did."""

import re
import textwrap
from collections.abc import Iterator

from ..broker.observe.not_served import reason_text
from ..broker.operate.listed import SHOWN_HEADERS, DeadLetter
from ..wording import printable

# The test client's own; and a host that tests are not allowed for.
NOT_SENT = frozenset(("host", "content-length", "content-type", "transfer-encoding"))
LINE = 88  # characters
LONGEST_NAME = 60  # characters, without "test_"


def as_test(letter: DeadLetter, *, reveal: bool) -> str:
    """Write the source of a module with one test.

    Args:
        reveal: also the query, the body and all headers, which may say who a person is.
    """
    head = letter.head
    why = reason_text(letter.reason)
    what = re.sub(r"\W+", "_", f"{head.method}_{head.path}", flags=re.ASCII).strip("_")
    lines = [
        f'"""{_in_docstring(f"{head.method} {head.path} became a dead letter: {why}.")}"""',
        "",
        "from django.test import TestCase",
        "",
        "",
        "class DeadLetterTest(TestCase):",
        f"    def test_{what.lower()[:LONGEST_NAME]}(self):",
        *_left_out(letter, reveal=reveal),
        "        # Somebody was perhaps signed in: self.client.force_login(user)",
        "        response = self.client.generic(",
        *(f"            {argument}," for argument in _arguments(letter, reveal=reveal)),
        "        )",
        "        self.assertLess(response.status_code, 500)",
    ]
    return "\n".join(lines)


def _in_docstring(text: str) -> str:
    return printable(text).replace("\\", "/").replace('"', "'")


def _arguments(letter: DeadLetter, *, reveal: bool) -> Iterator[str]:
    head = letter.head
    path = f"{head.path}?{head.query}" if head.query and reveal else head.path
    yield repr(head.method)
    yield repr(path)
    if letter.body and letter.body_kept and reveal:
        yield f"data={_wrapped(letter.body)}"
    types = [value for name, value in head.headers if name.lower() == "content-type"]
    yield f"content_type={types[0] if types else ''!r}"
    if head.scheme == "https":
        yield "secure=True"
    headers: dict[str, str] = {}
    for name, value in head.headers:
        if _is_shown(name, reveal=reveal):
            joint = "; " if name.lower() == "cookie" else ", "
            headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    if headers:
        pairs = "".join(f"    {name!r}: {value!r},\n" for name, value in headers.items())
        yield textwrap.indent(f"headers={{\n{pairs}}}", " " * 12).strip()


def _is_shown(name: str, *, reveal: bool) -> bool:
    lowered = name.lower()
    return lowered not in NOT_SENT and (reveal or lowered in SHOWN_HEADERS)


def _wrapped(body: bytes) -> str:
    pieces = [repr(body[at : at + LINE // 2]) for at in range(0, len(body), LINE // 2)]
    if len(pieces) == 1:
        return pieces[0]
    inner = "".join(f"    {piece}\n" for piece in pieces)
    return textwrap.indent(f"(\n{inner})", " " * 12).strip()


def _left_out(letter: DeadLetter, *, reveal: bool) -> Iterator[str]:
    head = letter.head
    missing = []
    if head.body_size and not letter.body_kept:
        yield f"        # Its body of {head.body_size} bytes was too large to be kept."
    elif head.body_size and not reveal:
        missing.append("its body")
    if head.query and not reveal:
        missing.append("its query")
    hidden = [name for name, _ in head.headers if not _is_shown(name, reveal=reveal)]
    missing += [printable(name) for name in hidden if name.lower() not in NOT_SENT]
    if missing:
        yield f"        # Left out ({', '.join(missing)}): --reveal writes all of it."
