"""A browser of one site, which remembers every answer in a form that can be compared."""

import re
from typing import NamedTuple

import httpx

HOST = "apps.test"
# What may differ between any two servers, and what is made anew for each answer.
NOT_COMPARED = {
    *("connection", "content-length", "date", "etag", "expires", "keep-alive", "last-modified"),
    *("server", "transfer-encoding", "x-request-id"),
}
BLANKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b\d{1,2}:\d\d(:\d\d)?(\.\d+)?( ?[ap]\.?m\.?)?"), "TIME"),
    (re.compile(r"[A-Za-z0-9_+/=-]{32,}"), "TOKEN"),  # of CSRF, sessions, the toolbar's store
    (re.compile(r"\bdur=[\d.]+"), "DURATION"),  # Server-Timing
    (re.compile(r"/tmp/tmp\w+"), "FILE"),
    (re.compile(r"&quot;key&quot;: &quot;[a-z0-9]{5}&quot;"), "KEY"),  # of a block in Draftail
    (re.compile(r"'nonce-[^']+'|nonce=\"[^\"]+\""), "NONCE"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|msec|µs|seconds?)\b"), "DURATION"),
    (re.compile(r"(?<=expires=)[^;]+"), "TIME"),
    (re.compile(r"\d+[\xa0 ](seconds?|minutes?)\b"), "DURATION"),
)


class Seen(NamedTuple):
    """One answer, without what differs from time to time."""

    request: str
    status: int
    headers: list[tuple[str, str]]
    body: str


class Visitor:
    """Visits one site.

    Attributes:
        seen: all that it was answered, in order.

    Args:
        port: of the site on this machine.
    """

    def __init__(self, port: int):
        self.seen: list[Seen] = []
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Host": HOST, "Referer": f"http://{HOST}/"},
            timeout=120,
        )

    def get(self, path: str, blank: str = "", **headers: str) -> httpx.Response:
        """GET; what the pattern `blank` finds in the body is not compared."""
        return self._note(self._client.get(path, headers=_named(headers)), blank)

    def send(self, method: str, path: str, blank: str = "", *, headers=(), **options):
        """Send anything; with the token of Django's cookie, as a page's script does it."""
        own = {"X-CSRFToken": self._client.cookies.get("csrftoken") or ""} | dict(headers)
        return self._note(self._client.request(method, path, headers=own, **options), blank)

    def post(self, path: str, data: dict | None = None, **options) -> httpx.Response:
        """POST a form."""
        return self.send("POST", path, data=data or {}, **options)

    def forget(self) -> None:
        """Be another person from now on."""
        self._client.cookies.clear()

    def _note(self, answer: httpx.Response, blank: str) -> httpx.Response:
        body = answer.text
        if blank:
            body = re.sub(blank, "BLANK", body)
        headers = [
            (name, blanked(re.sub(r"(sessionid=|messages=)[^;]+", r"\1", value)))
            for name, value in sorted(answer.headers.multi_items())
            if name not in NOT_COMPARED
        ]
        request = f"{answer.request.method} {answer.request.url.raw_path.decode()}"
        self.seen.append(Seen(blanked(request), answer.status_code, headers, blanked(body)))
        return answer


def blanked(text: str) -> str:
    """Blank what is made anew, or tells the time."""
    for pattern, word in BLANKS:
        text = pattern.sub(word, text)
    return text


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
