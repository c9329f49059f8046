"""queueproxy dead list, show, replay and discard, on letters of a killed worker."""

import json
import os
import signal

import pytest

from ..kit.waiting import wait_until

LONG = 4  # seconds: it is killed meanwhile, and run to its end when it is run again
BODY = b'{"card": "4111"}'
SECRETS = {"Cookie": "sessionid=alice", "Authorization": "Bearer alice", "X-Kept": "seen"}


@pytest.fixture(scope="module")
def server():
    return "uvicorn"  # the letters are the broker's, whatever the front


@pytest.fixture
def busy(site):
    site.front()
    site.workers()
    return site


@pytest.fixture(scope="module")
def dead(queueproxy):
    """Runs ``queueproxy dead`` of a site: exit status and output."""

    def dead(site, *words: str) -> tuple[int, str]:
        done = queueproxy(site, "dead", *words)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    return dead


def kill_one(site, dead, nonce: str) -> str:
    """A POST whose worker is killed under it; the id of its dead letter."""
    before = {letter["id"] for letter in json.loads(dead(site, "list", "--json")[1])}
    path = f"/run/{nonce}/?seconds={LONG}"
    pending = site.in_background("POST", path, content=BODY, headers=SECRETS)
    wait_until(lambda: site.runs(nonce), "it runs")
    os.kill(int(site.runs(nonce)[-1].split()[2]), signal.SIGKILL)
    assert pending.result().status_code == 502
    (letter,) = [
        letter
        for letter in json.loads(dead(site, "list", "--json")[1])
        if letter["id"] not in before
    ]
    return letter["id"]


def test_list_and_show(busy, dead):
    assert dead(busy, "list") == (0, "No dead letters.\n")
    id = kill_one(busy, dead, "a")
    status, listed = dead(busy, "list")
    assert (status, listed.split()[0]) == (0, id)
    assert listed.split()[2:] == ["worker", "lost", "default", "POST", "/run/a/"]
    for reason in ("worker lost", "worker_lost"):  # as the list shows it, and as programs are told
        assert dead(busy, "list", "--reason", reason) == (0, listed)
    assert dead(busy, "list", "--reason", "malformed") == (0, "None matches.\n")

    status, text = dead(busy, "show", id)
    shown = json.loads(text)
    assert (status, shown["attempts"], shown["method"], shown["query"]) == (
        0,
        1,
        "POST",
        "[redacted]",
    )
    assert shown["worker"]
    assert shown["request_id"]
    assert "alice" not in text
    assert "4111" not in text
    assert ["x-kept", "[redacted]"] in shown["headers"]
    assert ["accept", "*/*"] in shown["headers"]

    status, text = dead(busy, "show", id, "--reveal")
    shown = json.loads(text)
    assert (status, shown["body"], shown["query"]) == (0, BODY.decode(), f"seconds={LONG}")
    assert ["x-kept", "seen"] in shown["headers"]
    assert ["cookie", "sessionid=alice"] in shown["headers"]


def test_replay_runs_it_once_more_and_discard_does_not(busy, dead):
    kept, dropped = kill_one(busy, dead, "retried"), kill_one(busy, dead, "dropped")
    assert dead(busy, "discard", dropped) == (0, "Discarded.\n")
    assert dead(busy, "discard", dropped)[0] == 2
    assert len(busy.runs("dropped")) == 1

    assert dead(busy, "replay", kept) == (0, "Answered 200.\n")
    assert len(busy.runs("retried")) == 2
    assert dead(busy, "retry", kept)[0] == 2
    assert dead(busy, "list") == (0, "No dead letters.\n")
    assert len(busy.runs("retried")) == 2
