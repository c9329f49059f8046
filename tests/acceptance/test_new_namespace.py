"""The way across a new schema of docs/upgrading.md: a namespace of its own, on the same port."""

import json

import pytest

from ..kit.waiting import wait_until

NEW = {"PROBE_SETTINGS": json.dumps({"NAMESPACE": "queueproxy2"}), "PROBE_RELEASE": "2"}


@pytest.fixture
def server():
    return "uvicorn"


def test_nobody_is_refused_on_the_way(site, server):
    old_front = site.front("--reuse-port")
    old_workers = site.workers("--threads", "2")
    held = site.in_background("GET", "/run/held/?seconds=3")
    wait_until(lambda: site.runs("held"), "it runs in the old namespace")

    new = NEW | {"QUEUEPROXY_BROKER_URL": site.broker.url}  # users are of one namespace
    new_workers = site.manage("runqueueworker", **new)
    address = f"127.0.0.1:{site.port}"
    site.manage("runqueueproxy", address, "--server", server, "--reuse-port", **new)
    wait_until(lambda: answered_by(site, "2"), "the new front takes clients, too")
    old_front.terminate()

    assert held.result().status_code == 200
    assert old_front.wait(60) == 0
    old_workers.terminate()
    assert old_workers.wait(60) == 0
    assert all(answered_by(site, "2") for _ in range(10))
    assert new_workers.poll() is None
    assert site.runs("held") == site.runs("held")[:1], "once"


def answered_by(site, release: str) -> bool:
    """Whether a request is answered, as every one must be, and by that release."""
    answer = site.get("/run/another/")
    assert answer is not None
    assert answer.status_code == 200
    return answer.text.split()[2] == release
