"""One access log, whatever server the front runs under."""

import json

import pytest

from ..integration.serving import Client
from ..kit.asking import listens
from ..kit.commands import Commands
from ..kit.waiting import wait_until
from .site import Site

BY_HAND = {
    "uvicorn by hand": ("uvicorn", "--no-access-log", "--log-level", "critical", "--port"),
    "daphne by hand": ("daphne", "-v", "0", "-p"),
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "queueproxy.logs.JSONFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"queueproxy": {"handlers": ["console"], "level": "INFO"}},
}
ON = {**LOGGING, "loggers": {**LOGGING["loggers"], "queueproxy.access": {"level": "INFO"}}}


@pytest.fixture(params=["uvicorn", "daphne", *BY_HAND])
def server(request):
    return request.param


@pytest.fixture
def serve(tmp_path, broker, server):
    """Starts the front and a worker; the site and a look at the front's access log."""
    site = Site(tmp_path, broker, server)

    def start(**settings):
        site.environ["PROBE_SETTINGS"] = json.dumps(settings)
        if server in BY_HAND:
            site.environ["PROBE_LOGGING"] = json.dumps(ON)
            words = (*BY_HAND[server], str(site.port), "queueproxy.asgi:application")
            process = Commands(tmp_path, site.environ, ("-m",)).manage(*words)
            site.processes.append(process)
            process.until(lambda: listens(site.port), "the server")
        else:
            site.environ["PROBE_LOGGING"] = json.dumps(LOGGING)
            process = site.front("--access-log")
        return lambda path: entries(process.log, path)

    yield site, start
    site.stop()


def entries(log, path: str) -> list[dict]:
    """The lines about one path."""
    found = []
    for line in log.read_text().splitlines():
        if '"queueproxy.access"' in line:
            entry = json.loads(line)
            if entry["path"] == path:
                found.append(entry)
    return found


def entry_of(look, path: str) -> dict:
    """The one line about a path, once it is there."""
    (entry,) = wait_until(lambda: look(path), path)
    return entry


def test_an_answer_of_a_worker(serve):
    site, start = serve
    look = start()
    site.workers()
    answer = site.get("/high/run/a/?secret=1", headers={"X-Request-ID": "my-id"})
    entry = entry_of(look, "/high/run/a/")
    (worker,) = site.status()["workers"]
    assert {name: entry[name] for name in ("request_id", "method", "status", "queue")} == {
        "request_id": "my-id",
        "method": "GET",
        "status": 200,
        "queue": "high",
    }
    assert (entry["worker"], entry["client"]) == (worker["id"], "127.0.0.1")
    assert entry["bytes"] == len(answer.content)
    assert 0 <= entry["wait"] < entry["seconds"]
    assert 0 < entry["run"] < entry["seconds"]
    assert (entry["level"], entry["outcome"], entry["attempt"]) == ("INFO", "complete", 1)
    assert "secret" not in json.dumps(entry)


def test_what_no_worker_answers(serve):
    site, start = serve
    look = start(MAX_HOLD=2, LEASE=1, MAX_BODY=100)
    site.get("/-/livez")
    assert site.get("/run/a/").status_code == 503
    site.in_background("POST", "/too/large/", content=b"x" * 101).result()
    livez = wait_until(lambda: look("/-/livez"))[0]
    assert (livez["status"], livez["bytes"], livez["queue"]) == (200, 3, "")
    waited = entry_of(look, "/run/a/")
    assert (waited["status"], waited["queue"], waited["wait"]) == (503, "default", None)
    assert entry_of(look, "/too/large/")["status"] == 413


def test_a_client_that_leaves(serve):
    site, start = serve
    look = start()
    with Client(("127.0.0.1", site.port)) as client:
        client.get("/run/a/")
        wait_until(lambda: site.queue()["depth"] == 1)
    entry = entry_of(look, "/run/a/")
    assert (entry["status"], entry["outcome"], entry["bytes"]) == (499, "client_left", 0)


def test_no_line_is_forged(serve):
    site, start = serve
    look = start()
    site.workers()
    for raw in (b"/a\x0b\x1b[2J", b"/a\nGET", b"/a%0Ab", b'/a"b'):
        with Client(("127.0.0.1", site.port)) as client:
            client.send(b"GET " + raw + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            client.until_closed()
    entry_of(look, "/a%0Ab")
    log = site.processes[0].log.read_text()
    for line in log.splitlines():
        if line.startswith("{"):
            assert line.isprintable()
            json.loads(line)


@pytest.mark.parametrize("server", ["uvicorn", "daphne"], indirect=True)
def test_without_the_option_nothing_is_logged(serve):
    site, _ = serve
    front = site.front()
    assert site.get("/-/livez").status_code == 200
    assert "GET" not in front.log.read_text()


@pytest.mark.parametrize("server", ["uvicorn", "daphne"], indirect=True)
def test_what_was_no_request_is_logged(serve):
    site, start = serve
    look = start()
    with Client(("127.0.0.1", site.port)) as client:
        client.send(b"nonsense\r\n\r\n")
        client.until_closed()
    assert entry_of(look, "-")["status"] == 400
