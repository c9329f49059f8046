"""What MkDocs does beside Markdown; first of all, sections of the README stand in pages.

A page says ``<!-- README: Heading -->``, and the section of that heading takes its place. So the
steps that a newcomer follows are written once.
"""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError

README = Path(__file__).parents[2] / "README.md"
MARK = re.compile(r"^<!-- README: (.+?) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_) -> str:
    """Put the README's sections in.

    Raises:
        PluginError: the README has no such heading.
    """
    return MARK.sub(lambda match: section(README.read_text(), match[1]), markdown)


def on_page_content(html: str, **_) -> str:
    """Let a diagram, which a phone moves sideways, be reached by the keyboard."""
    return re.sub(r"<p>(?=<img [^>]*\.svg\")", '<p tabindex="0">', html)


def section(text: str, heading: str) -> str:
    """Return what stands below a heading of the second level, links as a page of docs/ has them."""
    match = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if match is None:
        raise PluginError(f"README.md has no heading {heading!r}.")
    return re.sub(r"\]\((?:docs/)?(?=[\w./-]+\.(?:md|png|svg))", "](", match[1].strip())
