"""What agents see of a site behind the queue is what they see of it behind gunicorn.

What the queue adds, or what it does otherwise, is listed here and nowhere else:

- A request has waited: New Relic reports the time (``queued``), from ``X-Request-Start``.
- A request that was begun twice (``/repeated/``) is reported once, by the process that ended it;
  the other was killed and reported nothing. That the process died is an error in the supervisor's
  log, which Sentry reports without a request.
- A file is read in larger blocks (``wsgi.output.calls.yield``).
- An async stream is sent piece by piece; gunicorn sends it once it is complete. Agents see its time
  and its errors, and not its pieces. If it breaks off, the client has a part of it, not a 500.
- OpenTelemetry: the span of a request is the child of the worker's own (``child``). The spans that
  the queue makes are left out here: see tests/acceptance/test_tracing.py.
- New Relic also watches the front, an ASGI application to it: a transaction for each request,
  named by its path.
"""

import pytest

from .arrangements import ARRANGEMENTS, CROWD, GUNICORN, QUEUE, REQUESTS
from .reported import by_path

BASE = "gunicorn sync"
ASYNC_STREAM = "/async/stream/"
BROKEN_ASYNC_STREAM = "/async/stream/erin/error/"
PIECES = ("wsgi.output.bytes", "wsgi.output.calls.yield")


def compared(outcome) -> dict[str, list[dict]]:
    """Reports of each path, without what is listed above."""
    found = by_path(outcome.of("worker"))
    found.pop(BROKEN_ASYNC_STREAM)
    found.pop("", None)
    for report in (report for reports in found.values() for report in reports):
        report.pop("queued", None)
        if report["kind"] == "SERVER":
            report.pop("child")
    for path, left_out in ((ASYNC_STREAM, PIECES), ("/file/", PIECES[1:])):
        for report in found[path]:
            for name in left_out:
                report.get("attributes", {}).pop(name, None)
    return found


@pytest.mark.parametrize("name", [name for name in ARRANGEMENTS if name != BASE])
def test_the_same_is_reported(outcome, agent, name):
    base, other = compared(outcome(agent, BASE)), compared(outcome(agent, name))
    assert other.keys() == base.keys()
    for path in base:
        assert other[path] == base[path], path


@pytest.mark.parametrize("name", [name for name in ARRANGEMENTS if name != BASE])
def test_the_same_is_answered(outcome, agent, name):
    asked = (*REQUESTS, *CROWD)
    for request, base, other in zip(
        asked, outcome(agent, BASE).answers, outcome(agent, name).answers, strict=True
    ):
        if request[1] == BROKEN_ASYNC_STREAM and name in QUEUE:
            assert (base[0], other) == (500, (200, "text/plain", "one\n..."))
        else:
            assert other == base, request


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_each_request_is_one_transaction(outcome, agent, name):
    transactions = [
        report for report in outcome(agent, name).of("worker") if report["kind"] != "error"
    ]
    unseen = agent == "sentry"  # which leaves HEAD requests out
    assert len(transactions) == len(REQUESTS) + len(CROWD) - unseen


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_nobody_stands_in_the_report_of_another(outcome, agent, name):
    for path, reports in by_path(outcome(agent, name).of("worker")).items():
        who = next((part for part in path.split("/") if part in USERS), None)
        for report in reports:
            if path != "/repeated/":
                assert users_in(report) <= {who}, report


USERS = {"alice", "bob", "carol", "dan", "erin", *(f"user-{n}" for n in range(len(CROWD)))}
USERS |= {"the-first-attempt", "the-second-attempt"}


def users_in(value) -> set[str]:
    """Whose names stand anywhere in a report."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(users_in, value))
    words = str(value).replace("/", " ").split()
    return {word for word in words if word in USERS}


def test_the_first_attempt_leaves_nothing_in_sentry(outcome):
    for name in QUEUE:
        [report] = by_path(outcome("sentry", name).of("worker"))["/repeated/"]
        assert report["user"]["username"] == "the-second-attempt"


def test_an_error_in_an_async_stream_is_reported_with_its_user(outcome):
    for name in QUEUE:
        reports = by_path(outcome("sentry", name).of("worker"))[BROKEN_ASYNC_STREAM]
        [error] = [report for report in reports if report["kind"] == "error"]
        assert error["user"]["username"] == "erin"
        assert error["exceptions"] == [["ProbeError", "erin", {"type": "wsgi", "handled": False}]]
        [transaction] = by_path(outcome("new_relic", name).of("worker"))[BROKEN_ASYNC_STREAM]
        assert transaction["attributes"]["enduser.id"] == "erin"
        assert [kind for kind, _ in transaction["errors"]] == ["tests.agents.probe.urls:ProbeError"]


def test_a_lost_process_is_reported_once_and_without_a_request(outcome):
    for name in QUEUE:
        [report] = by_path(outcome("sentry", name).of("worker"))[""]
        assert (report["kind"], report["user"], report["exceptions"]) == ("error", None, [])


def test_the_wait_in_the_queue_is_reported_to_new_relic(outcome):
    def queued(names) -> set[bool]:
        reports = [report for name in names for report in outcome("new_relic", name).of("worker")]
        return {report["queued"] for report in reports}

    assert (queued(QUEUE), queued(GUNICORN)) == ({True}, {False})


def test_fronts_report_nothing_but_to_new_relic(outcome):
    for name in QUEUE:
        assert outcome("sentry", name).of("front") == []
        assert outcome("opentelemetry", name).of("front") == []
        reports = outcome("new_relic", name).of("front")
        assert {report["name"].split("/")[1] for report in reports} == {"Uri"}
        asked = [report for report in reports if not report["url"].startswith("/-/")]
        assert len(asked) == len(REQUESTS) + len(CROWD)
