"""A view that hangs: its client gets 504, its thread comes back, everybody else is served."""

import pytest

from ..kit.waiting import wait_until

LIMIT = 2  # seconds


@pytest.fixture
def server():
    return "uvicorn"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_its_client_is_told_honestly(make_site, method):
    site = make_site(VIEW_TIMEOUT=LIMIT, MAX_HOLD=60)
    site.front()
    site.workers("--processes", "1")
    hung = site.in_background(method, "/run/hangs/?seconds=120").result()
    assert hung.status_code == 504
    assert "error=http_response_timeout" in hung.headers["Proxy-Status"]
    assert "The view took too long" in hung.text
    assert "Retry-After" not in hung.headers
    assert hung.headers["X-Request-ID"] in hung.text
    assert site.in_background("GET", "/run/after/").result().status_code == 200
    assert len(site.runs("hangs")) == 1
    wait_until(lambda: site.status()["dead_letters"] == 1)
    assert 'reason="view_timeout"' in site.run("queueproxy", "metrics").stdout
