"""Reads the project's own pages for the front's answers; what could not work is told at once.

In a directory stand ``503.html`` for one status and ``error.html`` for all others. They are read
once, as the front starts: the front goes on with them while what is on disk is replaced.
"""

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from os import PathLike
from pathlib import Path
from string import Template

from ...wording import did_you_mean
from .page_words import WORDS
from .pages import BUILT_IN, ELEMENT, PLACEHOLDERS, Page, Pages, policy_for

DEFAULT = "error"  # name of the page for every status that has none
SUFFIX = ".html"
LARGEST = 64 * 1024  # bytes
# What a page may use beside its styles. Nothing from its site, which does not answer just now.
_MORE = "img-src data:; font-src data:; "
_NAMES = (DEFAULT, *(str(status) for status in WORDS))
# Elements that the policy takes the effect from.
_WITHOUT_EFFECT = frozenset(("script", "form", "iframe", "object", "embed", "base"))


# Attributes that load something. An address in a style does, and @import.
_LOADING = frozenset(("src", "srcset", "poster", "background"))
_LOADING_HREF = frozenset(("link", "image", "use", "feimage"))  # of an <a> it leads somewhere
_LOADED_BY_STYLE = re.compile(r"@import|url\(\s*[\"']?(?!data:|#|[\"'\s])", re.IGNORECASE)


class UnusablePage(ValueError):
    """A page, or the directory, can't be used; its one argument says why, in one line."""


def read_pages(directory: str | PathLike[str] | None) -> Pages:
    """Read the pages of a directory; with None, use those that are built in.

    Raises:
        UnusablePage: not all of them can be read and would work.
    """
    if directory is None:
        return Pages()
    found = {path.stem: _read(path) for path in _pages_in(Path(directory))}
    default = found.pop(DEFAULT, BUILT_IN)
    return Pages({int(status): page for status, page in found.items()}, default)


def _pages_in(directory: Path) -> list[Path]:
    try:
        paths = [path for path in sorted(directory.iterdir()) if path.suffix in (SUFFIX, ".htm")]
    except OSError as error:
        raise UnusablePage(f"{directory} can't be read: {error.strerror}.") from error
    for path in paths:
        if path.suffix != SUFFIX or path.stem not in _NAMES:
            known = ", ".join(name + SUFFIX for name in _NAMES)
            raise UnusablePage(f"{path} is not a page of the front; these are: {known}.")
    if not paths:
        raise UnusablePage(f"{directory} has no page, such as {DEFAULT}{SUFFIX} or 503{SUFFIX}.")
    return paths


def _read(path: Path) -> Page:
    try:
        if not path.is_file():
            raise UnusablePage(f"{path} is not a file.")
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise UnusablePage(f"{path} can't be read: {error.strerror}.") from error
    if len(raw) > LARGEST:
        raise UnusablePage(f"{path} has more than {LARGEST} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusablePage(f"{path} is not UTF-8.") from error
    try:
        return page_of(text.replace("\r\n", "\n"))  # so do browsers before they hash a style
    except UnusablePage as error:
        raise UnusablePage(f"{path}, {error}") from error


def page_of(text: str) -> Page:
    """Make a page of a template.

    Raises:
        UnusablePage: the line, and what is wrong there.
    """
    template = Template(text)
    for found in template.pattern.finditer(text):
        name = found["named"] or found["braced"]
        if name is None and found["escaped"] is None:
            raise _wrong(text, found, "a $ that stands for itself is written $$")
        if name is not None and name not in PLACEHOLDERS:
            close = did_you_mean(name, PLACEHOLDERS) or f" Known: {', '.join(PLACEHOLDERS)}."
            raise _wrong(text, found, f"${name} is no placeholder.{close}")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    # As it goes out: there $$ is $.
    return Page(template, policy_for(map(_filled, reader.styles), more=_MORE))


def _filled(style: str) -> str:
    return style.replace("$$", "$")


def _wrong(text: str, found: re.Match[str], what: str) -> UnusablePage:
    return UnusablePage(f"line {text.count(chr(10), 0, found.start()) + 1}: {what}")


class _Reader(HTMLParser):
    """Gathers the styles of a page, and finds what its policy would take the effect from."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.styles: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag in _WITHOUT_EFFECT:
            self._object(f"<{tag}> has no effect under the page's Content-Security-Policy")
        for name, value in attrs:
            flaw = _flaw_of_attribute(tag, name, value or "")
            if flaw is not None:
                self._object(flaw)
        if tag == "style":
            self._in_style = True
            self.styles.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            if "$" in data.replace("$$", ""):
                self._object("a style has no placeholders: its hash is made as the front starts")
            if _LOADED_BY_STYLE.search(data):
                self._object("a style loads nothing: a page has nothing but data: URLs")
            self.styles[-1] += data

    def _object(self, what: str) -> None:
        raise UnusablePage(f"line {self.getpos()[0]}: {what}")


def _flaw_of_attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style" or name.startswith("on"):
        return f"the attribute {name} has no effect: use <style>, and no script"
    is_href = name in ("href", "xlink:href")
    if is_href and value.strip().lower().startswith("javascript:"):
        return f"{value!r} has no effect: a page runs no script"
    loads = name in _LOADING or (is_href and tag in _LOADING_HREF)
    if loads and not value.startswith(("data:", "#")):
        return f"{value!r} is not loaded: a page has nothing from elsewhere, but data: URLs"
    if f"${ELEMENT}" in value or f"${{{ELEMENT}}}" in value:
        return f"${ELEMENT} is an element, and stands in no attribute"
    if (tag, name, value.lower()) == ("meta", "http-equiv", "refresh"):
        return "the front itself says when a page is to be loaded again"
    return None
