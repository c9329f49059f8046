"""Renders the front's own answers as pages for people, with the project's files where there are.

A page needs nothing from elsewhere: no script, no image, a style that its policy allows by hash.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus
from string import Template
from typing import NamedTuple

from .page_words import Again, again_after, sentence_for, words_for
from .refusals import Refusal

# What a page is filled in with. All but the button, which is an element or nothing, is text.
PLACEHOLDERS = (
    *("status", "phrase", "title", "happened", "again", "again_code", "button", "detail"),
    "request_id",
)
ELEMENT = "button"
_BUTTON = '<p><a class="button" href="">Try again</a></p>'

STYLE = """
:root{color-scheme:light dark;--line:#d0d7de;--dim:#57606a;--back:#fff;--ink:#1f2328;--go:#0b57d0}
@media(prefers-color-scheme:dark){:root{--line:#3d444d;--dim:#9198a1;--back:#0d1117;--ink:#f0f6fc;
--go:#a8c7fa}}
body{background:var(--back);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif;margin:0}
main{margin:12vh auto 2rem;max-width:34rem;padding:0 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}p{margin:0 0 1rem}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.button{background:var(--go);border-radius:.4rem;color:var(--back);display:inline-block;
font-weight:600;padding:.6rem 1.4rem;text-decoration:none}
.button:hover{text-decoration:underline}.button:focus-visible{outline:3px solid var(--ink);
outline-offset:3px}
.more{border-top:1px solid var(--line);color:var(--dim);font-size:.875rem;margin-top:2rem;
padding-top:1rem}
""".strip()

_BUILT_IN = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>{STYLE}</style></head>
<body><main>
<h1>$title</h1>
<p>$happened</p>
<p>$again</p>
$button
<p class="more">$status $phrase. $detail<br>Request id: <code>$request_id</code></p>
</main></body></html>
"""


class Page(NamedTuple):
    """One page.

    Attributes:
        template: filled in with `PLACEHOLDERS`.
        policy: its Content-Security-Policy.
    """

    template: Template
    policy: str

    def rendered(
        self, refusal: Refusal, request_id: str, method: str, *, repeatable: bool
    ) -> bytes:
        """Fill it in.

        Args:
            refusal: the answer.
            request_id: as the client is told it.
            method: of the request.
            repeatable: as for `is_safe_to_send_again`.
        """
        again = again_after(refusal, method, repeatable=repeatable)
        words = words_for(refusal)
        texts = {
            "status": refusal.status,
            "phrase": HTTPStatus(refusal.status).phrase,
            "title": words.title,
            "happened": words.happened,
            "again": sentence_for(again, refusal.executed),
            "again_code": again.value,
            "detail": refusal.detail,
            "request_id": request_id,
        }
        filled = {name: escape(str(text)) for name, text in texts.items()}
        filled[ELEMENT] = _BUTTON if again in (Again.BY_ITSELF, Again.TRY) else ""
        return self.template.substitute(filled).encode()


def policy_for(styles: Iterable[str], *, more: str = "") -> str:
    """Spell the Content-Security-Policy of a page.

    Args:
        styles: what stands in its ``style`` elements.
        more: directives for what else it may use; each ends with ``; ``.
    """
    hashes = " ".join(f"'sha256-{_hash(style)}'" for style in styles) or "'none'"
    return (
        f"default-src 'none'; style-src {hashes}; {more}base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    )


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


BUILT_IN = Page(Template(_BUILT_IN), policy_for([STYLE]))


class Pages:
    """The pages of a front.

    Args:
        own: the project's, by status.
        default: for every other status.
    """

    def __init__(self, own: Mapping[int, Page] | None = None, default: Page = BUILT_IN):
        self._own = dict(own or {})
        self._default = default

    def page_for(self, status: int) -> Page:
        """Return the page of a status."""
        return self._own.get(status, self._default)


_in_use = Pages()


def use(pages: Pages) -> None:
    """Answer with these from now on, in all of this process: its server answers too."""
    global _in_use
    _in_use = pages


def in_use() -> Pages:
    """Return the pages to answer with."""
    return _in_use
