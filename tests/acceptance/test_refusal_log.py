"""What a front says of the 502, 503 and 504 it makes: a line each, with id, method and path."""

import httpx
import pytest

from ..kit.asking import listens
from ..kit.commands import Commands
from .site import Site

BY_HAND = {
    "uvicorn by hand": ("uvicorn", "--log-level", "critical", "--port"),
    "daphne by hand": ("daphne", "-v", "0", "-p"),
}


@pytest.fixture(params=["uvicorn", "daphne", *BY_HAND])
def front(request, tmp_path, broker):
    """A site and the log of its front, which holds nobody for longer than a second."""
    site = Site(tmp_path, broker, request.param, MAX_HOLD=1, LEASE=0.5)
    if request.param in BY_HAND:
        words = (*BY_HAND[request.param], str(site.port), "queueproxy.asgi:application")
        server = Commands(tmp_path, site.environ, ("-m",)).manage(*words)
        site.processes.append(server)
        server.until(lambda: listens(site.port), "the server")
    else:
        server = site.front()
    yield site, server.log
    site.stop()


def lines(log, words: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if words in line]


def test_a_line_for_each(front):
    site, log = front
    path = "/run/" + "x" * 300
    url, known = f"{site.url}{path}%0Aforged?secret=1", {"X-Request-ID": "my-id"}
    refused = httpx.post(url, headers=known, timeout=60)
    assert refused.status_code == 503
    (line,) = lines(log, "503 for ")
    assert f"503 for POST {path[:197]}... (my-id): The request waited too long." in line
    assert "secret" not in log.read_text()
    refused = httpx.get(f"{site.url}/run/a/", timeout=60)
    assert refused.status_code == 503
    (line,) = lines(log, f"503 for GET /run/a/ ({refused.headers['X-Request-ID']}): ")


def test_what_the_client_is_to_blame_for_is_not_worth_a_line(front):
    site, log = front
    refused = httpx.get(f"{site.url}/run/a/", headers={"Host": "a b"})
    assert refused.status_code == 400
    assert not lines(log, " for GET ")
