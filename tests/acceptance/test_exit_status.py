"""Exit statuses as docs/operations.md has them: 0 done, 1 it did not hold, 2 could not ask."""

import json
import socket
import sys

import pytest

WRONG = json.dumps({"MAX_HOLDD": 3})
NO_BROKER = {"QUEUEPROXY_BROKER_URL": "unix:///nonexistent/socket"}


@pytest.fixture
def server():
    return "uvicorn"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["queueproxy", "status"], 1),  # there are neither fronts nor workers
        (["queueproxy", "pause", "low", "--timeout", "1"], 0),
        (["queueproxy", "resume", "high"], 1),  # it was not paused
        (["queueproxy", "pause", "nope"], 2),
        (["queueproxy", "pause", "--timeout", "2 weeks"], 2),
        (["queueproxy", "dead", "list"], 0),
        (["queueproxy", "dead", "show", "1-1"], 2),
        (["queueproxy", "hold", "--", "no-such-command"], 2),
        (["queueproxy", "hold", "--", "sh", "-c", "exit 7"], 7),
        (["queueproxy", "nonsense"], 2),
        (["queueproxy"], 2),
        (["runqueueproxy", "no:such:port"], 2),
        (["runqueueworker", "--queues", "nope"], 2),
        (["runqueueworker", "--burst"], 0),
    ],
)
def test_with_a_broker(site, words, status):
    done = site.run(*words)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["status"], ["pause"], ["resume"], ["dead", "list"]])
def test_without_a_broker(site, words):
    done = site.run("queueproxy", *words, **NO_BROKER)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["queueproxy", "status"], ["runqueueproxy"], ["runqueueworker"]])
def test_with_wrong_settings(site, words):
    done = site.run(*words, PROBE_SETTINGS=WRONG)
    assert done.returncode == 2
    assert "Did you mean 'MAX_HOLD'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", site.port))
        taken.listen()
        done = site.run("runqueueproxy", str(site.port))
    assert done.returncode == 2
    assert done.stdout == "", "no address is told that it does not serve"
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize("words", ["acl", "status --json", "metrics", "dead list"])
def test_nobody_reads_it_to_its_end(site, words):
    """As of ``queueproxy metrics | head -2``: it ends as by SIGPIPE, without a traceback."""
    command = f"{{ {sys.executable} -m django queueproxy {words}; echo $? >&2; }} | true"
    process = site.launch("sh", "-c", command)
    assert process.wait(60) == 0
    assert process.log.read_text().splitlines()[-1:] == ["141"]
    assert "Error" not in process.log.read_text()
