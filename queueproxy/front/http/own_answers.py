"""Gives the front's own answers the form that their client reads.

A page for people, problem details (RFC 9457) for programs, or two lines of text: as Accept says
(see accepted.py). What is no request yet, so that nobody can know who would read it, gets the text.
"""

import json
import random
from http import HTTPStatus

from ...asgi_types import Scope
from . import pages
from .accepted import Form, form_for
from .headers import RawHeader, date_header
from .page_words import Again, again_after, is_safe_to_send_again
from .refusals import RETRY_AFTER, Refusal

Response = tuple[int, list[RawHeader], bytes]

# Of a form and its body.
_TYPES = {
    Form.TEXT: b"text/plain; charset=utf-8",
    Form.HTML: b"text/html; charset=utf-8",
    Form.PROBLEM: b"application/problem+json",
}
RELOAD_WITHIN = 3 * RETRY_AFTER  # seconds, at most; those who were turned away don't return as one


def response(
    refusal: Refusal,
    request_id: str,
    scope: Scope | None = None,
    *,
    repeatable: bool = False,
    server_adds: frozenset[bytes] = frozenset(),
) -> Response:
    """Status, headers and body to send.

    Args:
        refusal: what to say.
        request_id: of the request, well-formed.
        scope: of the request; None where there was none yet.
        repeatable: whether the request may be executed twice, or never is however often it comes.
        server_adds: lower-case names of headers the ASGI server puts in by itself.
    """
    form = Form.TEXT if scope is None else form_for(scope["headers"])
    method = "" if scope is None else scope["method"]
    own: list[RawHeader] = [] if scope is None else [(b"vary", b"Accept")]
    if form is Form.HTML:
        page = pages.in_use().page_for(refusal.status)
        body = page.rendered(refusal, request_id, method, repeatable=repeatable)
        own.append((b"content-security-policy", page.policy.encode()))
        if again_after(refusal, method, repeatable=repeatable) is Again.BY_ITSELF:
            seconds = random.randint(RETRY_AFTER, RELOAD_WITHIN)
            own.append((b"refresh", b"%d" % seconds))
    elif form is Form.PROBLEM:
        body = _problem(refusal, request_id, repeatable=repeatable)
    else:
        body = f"{refusal.detail}\nRequest id: {request_id}\n".encode()
    headers = [
        (b"content-type", _TYPES[form]),
        (b"content-length", b"%d" % len(body)),
        *_fields(refusal, request_id, server_adds),
        *own,
    ]
    return refusal.status, headers, b"" if method == "HEAD" else body


def _fields(refusal: Refusal, request_id: str, server_adds: frozenset[bytes]) -> list[RawHeader]:
    """List the headers that do not depend on the form."""
    headers = [
        (b"cache-control", b"no-store"),
        (b"proxy-status", _proxy_status(refusal).encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode("latin-1")),
    ]
    if b"date" not in server_adds:
        headers.append(date_header())
    if refusal.retry_after is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.close:
        headers.append((b"connection", b"close"))
    return headers


def _problem(refusal: Refusal, request_id: str, *, repeatable: bool) -> bytes:
    told: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
        "request_id": request_id,
        "executed": refusal.executed.value,
        "safe_to_send_again": is_safe_to_send_again(refusal, repeatable=repeatable),
    }
    if refusal.retry_after is not None:
        told["retry_after"] = refusal.retry_after
    return json.dumps(told).encode() + b"\n"


def _proxy_status(refusal: Refusal) -> str:
    details = refusal.detail.replace("\\", "\\\\").replace('"', '\\"')  # RFC 8941, 3.3.3
    return f'queueproxy; error={refusal.error}; details="{details}"'
