"""What people and programs get where the front answers for the worker."""

import json
import shutil
import signal

import httpx
import pytest

from ..kit.waiting import wait_until

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROGRAM = {"Accept": "application/json"}
LINK = '<a class="button" href="">'


def is_page(answer: httpx.Response, status: int) -> bool:
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["x-request-id"] in answer.text
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    return answer.headers["content-type"] == "text/html; charset=utf-8"


def test_nobody_is_there(make_site):
    site = make_site(MAX_HOLD=1, LEASE=0.5, MAX_BODY=1000)
    site.front()
    answer = site.get("/run/a/?x=1", headers=BROWSER)
    assert is_page(answer, 503)
    assert LINK in answer.text
    assert 5 <= int(answer.headers["refresh"]) <= 15
    assert answer.headers["retry-after"] == "5"

    answer = httpx.post(
        f"{site.url}/run/a/", headers=BROWSER, data={"secret": "s3cret"}, timeout=60
    )
    assert is_page(answer, 503)
    assert "it is safe to send it again" in answer.text
    assert LINK not in answer.text
    assert "refresh" not in answer.headers
    assert "s3cret" not in answer.text

    answer = site.get("/run/a/", headers=PROGRAM)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "The request waited too long. "
        "Nothing was executed; it is safe to send the request again.",
        "request_id": answer.headers["x-request-id"],
        "executed": "no",
        "safe_to_send_again": True,
        "retry_after": 5,
    }
    answer = site.get("/run/a/")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[1] == f"Request id: {answer.headers['x-request-id']}"

    answer = httpx.head(f"{site.url}/run/a/", headers=BROWSER, timeout=60)
    assert (answer.status_code, answer.content) == (503, b"")
    assert int(answer.headers["content-length"]) > 1000
    assert "refresh" in answer.headers

    answer = site.get("/run/a/", headers={**BROWSER, "Host": "a b"})
    assert is_page(answer, 400)
    answer = httpx.post(f"{site.url}/run/a/", headers=BROWSER, content=b"x" * 1001)
    assert is_page(answer, 413)
    assert "will not help" in answer.text


def test_the_worker_is_lost(make_site):
    site = make_site()
    site.front()
    site.workers()
    answer = httpx.post(f"{site.url}/die/a/", headers=BROWSER, timeout=60)
    assert is_page(answer, 502)
    assert "may have been carried out" in answer.text
    assert LINK not in answer.text
    answer = httpx.post(f"{site.url}/die/b/", headers=PROGRAM, timeout=60)
    assert answer.json()["executed"] == "unknown"
    assert answer.json()["safe_to_send_again"] is False
    answer = site.get("/die/c/", headers=BROWSER)
    assert is_page(answer, 502)
    assert LINK in answer.text
    assert "refresh" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_front_stops(make_site, method):
    """Its server answers then; it knows what the front knew."""
    site = make_site()
    front = site.front("--graceful-timeout", "1")
    site.workers()
    held = site.in_background(method, "/run/a/?seconds=20", headers=BROWSER)
    wait_until(lambda: site.runs("a"), "the view runs")
    front.send_signal(signal.SIGTERM)
    answer = held.result()
    assert is_page(answer, 502)
    assert (LINK in answer.text) is (method == "GET")
    assert ("may have been carried out" in answer.text) is (method == "POST")


def test_pages_of_the_projects_own(make_site, tmp_path):
    own = tmp_path / "pages"
    own.mkdir()
    (own / "503.html").write_text(
        "<!doctype html><title>Moment</title><style>p{color:teal}</style>"
        "<p class=$again_code>Gleich geht es weiter. <i>$request_id</i>"
    )
    site = make_site(MAX_HOLD=1, LEASE=0.5, ERROR_PAGES=str(own))
    site.front()
    shutil.rmtree(own)  # a deploy; the front goes on with what it has read
    answer = site.get("/run/a/", headers={**BROWSER, "X-Request-ID": "my:id"})
    assert is_page(answer, 503)
    assert answer.text.endswith("<p class=by-itself>Gleich geht es weiter. <i>my:id</i>")
    assert "img-src data:" in answer.headers["content-security-policy"]
    assert "refresh" in answer.headers
    answer = site.get("/run/a/", headers={**BROWSER, "Host": "a b"})
    assert is_page(answer, 400)
    assert "This request was not understood" in answer.text


def test_a_front_that_would_not_find_them(make_site, tmp_path):
    (tmp_path / "error.html").write_text("$requst_id")
    site = make_site(ERROR_PAGES=str(tmp_path))
    done = site.run("runqueueproxy", f"127.0.0.1:{site.port}", "--server", site.server)
    assert done.returncode == 3
    said = [line for line in done.stderr.splitlines() if "E020" in line]
    assert said == [
        f"QUEUEPROXY['ERROR_PAGES']: {tmp_path}/error.html, line 1: $requst_id is no placeholder. "
        "Did you mean 'request_id'? See 'The front's own answers' in docs/behaviour.md. "
        "(queueproxy.E020)"
    ]


def test_what_the_fronts_own_paths_refuse(make_site):
    site = make_site(MONITORING=["10.9.8.7"])
    site.front()
    for path in ("/-/status", "/-/metrics", "/-/seen"):
        assert is_page(site.get(path, headers=BROWSER), 403)
        assert json.loads(site.get(path, headers=PROGRAM).content)["status"] == 403
    answer = httpx.post(f"{site.url}/-/livez", headers=BROWSER)
    assert is_page(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"
