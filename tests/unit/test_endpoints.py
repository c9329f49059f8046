"""The front's own paths: matched exactly, shown to monitoring addresses only."""

import json
import re
import threading
import time
from types import SimpleNamespace

import pytest

from queueproxy.exceptions import BrokerUnavailable
from queueproxy.front.endpoints import EndpointOptions, Endpoints
from queueproxy.front.http.headers import parse_networks
from queueproxy.front.seen import question, signer

from .test_screen import snapshot

SECRETS = ("a secret of the tests",)
LOOPBACK = parse_networks(("127.0.0.0/8", "::1"))


class Reader:
    """Stands for what reads the broker."""

    def __init__(self, found):
        self._found = found

    def snapshot(self):
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def close(self):
        pass


def endpoints(
    *, trusted=(), monitoring=LOOPBACK, found=None, secrets=SECRETS, silent=False, away_for=0.0
) -> Endpoints:
    sender = SimpleNamespace(reachable=True, silent=silent, away_for=away_for)
    front = SimpleNamespace(draining=False, sender=sender)
    asking = signer(secrets, "queueproxy")
    options = EndpointOptions("/-/", monitoring, parse_networks(trusted), 60.0, asking)
    return Endpoints(options, front, lambda: Reader(found or snapshot()), lambda: False)


def scope(raw="/-/metrics", client=("127.0.0.1", 5), method="GET", query="", **headers) -> dict:
    return {
        "method": method,
        "path": raw.replace("%2F", "/"),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "client": client,
        "headers": [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()],
    }


async def ask(served: Endpoints, asked: dict) -> tuple[int, dict, str]:
    sent = []

    async def send(message):
        sent.append(message)

    await served.answer(asked, send, frozenset())
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"].decode()


@pytest.mark.parametrize(
    ("raw", "owned"),
    [
        ("/-/metrics", True),
        ("/-/status", True),
        ("/-%2Fmetrics", False),
        ("/-/%6detrics", False),
        ("/-/metrics/", False),
        ("//-/metrics", False),
        ("/-/../-/metrics", False),
        ("/-/Metrics", False),
    ],
)
def test_a_path_is_matched_as_it_was_sent(raw, owned):
    assert endpoints().owns(scope(raw)) is owned


@pytest.mark.parametrize(
    ("trusted", "monitoring", "asked", "status"),
    [
        ((), LOOPBACK, scope(), 200),
        ((), LOOPBACK, scope(client=("::1", 5)), 200),
        ((), LOOPBACK, scope(client=("10.0.0.1", 5)), 403),
        # A proxy on this machine that nobody told of: who is behind it is not known.
        ((), LOOPBACK, scope(x_forwarded_for="127.0.0.1"), 403),
        ((), LOOPBACK, scope(x_forwarded_proto="https"), 403),
        ((), LOOPBACK, scope(forwarded="for=127.0.0.1"), 403),
        ((), LOOPBACK, scope(x_real_ip="127.0.0.1"), 403),
        ((), LOOPBACK, scope(via="1.1 proxy"), 403),
        # A trusted one tells.
        (("127.0.0.1",), LOOPBACK, scope(x_forwarded_for="10.0.0.1"), 403),
        (("127.0.0.1",), LOOPBACK, scope(x_forwarded_for="127.0.0.1, 10.0.0.1"), 403),
        (("127.0.0.1",), LOOPBACK, scope(x_forwarded_for="127.0.0.9"), 200),
        (("127.0.0.1",), ("10.0.0.0/8",), scope(x_forwarded_for="10.0.0.1"), 200),
        (("127.0.0.1",), ("10.0.0.0/8",), scope(), 403),
        # A unix socket has no address.
        ((), LOOPBACK, scope(client=None), 403),
        ((), ("unix:",), scope(client=None), 200),
        ((), ("unix:",), scope(client=None, x_forwarded_for="127.0.0.1"), 403),
        (("unix:",), LOOPBACK, scope(client=None, x_forwarded_for="127.0.0.9"), 200),
        (("unix:",), LOOPBACK, scope(client=None, x_forwarded_for="10.0.0.1"), 403),
        (("unix:",), LOOPBACK, scope(client=["", 0], x_forwarded_for="127.0.0.9"), 200),
    ],
)
async def test_who_may_look(trusted, monitoring, asked, status):
    served = endpoints(trusted=trusted, monitoring=parse_networks(map(str, monitoring)))
    for path in ("/-/metrics", "/-/status"):
        assert (await ask(served, {**asked, "raw_path": path.encode()}))[0] == status


async def test_everybody_may_ask_whether_it_lives():
    for path in ("/-/livez", "/-/readyz"):
        assert (await ask(endpoints(), scope(path, client=("10.0.0.1", 5))))[0] == 200


async def test_a_silent_broker_is_told_while_clients_are_held():
    status, _, text = await ask(endpoints(silent=True), scope("/-/readyz"))
    assert (status, text) == (200, "ok, broker silent\n")


@pytest.mark.parametrize(
    "asked",
    [scope("/-/status", query="format=json"), scope("/-/status", accept="application/json")],
)
async def test_status_as_json(asked):
    status, headers, text = await ask(endpoints(), asked)
    assert (status, headers[b"content-type"]) == (200, b"application/json")
    assert json.loads(text)["broker"]["reachable"] is True


async def test_status_as_a_page():
    status, headers, text = await ask(endpoints(), scope("/-/status", accept="text/html,*/*"))
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert b"set-cookie" not in headers
    assert "<h1>Queue status</h1>" in text


@pytest.mark.parametrize("found", [{}, {"found": BrokerUnavailable("refused")}])
async def test_status_stands_still_for_who_wants_that(found):
    _, _, text = await ask(endpoints(**found), scope("/-/status"))
    assert "http-equiv=refresh" in text
    (still,) = re.findall(r'href="\?(.*?)">Stop<', text)
    _, _, text = await ask(endpoints(**found), scope("/-/status", query=still))
    assert "http-equiv=refresh" not in text
    assert 'href="?">Renew<' in text


async def test_status_while_the_broker_is_away():
    away = endpoints(found=BrokerUnavailable("refused"))
    status, _, text = await ask(away, scope("/-/status"))
    assert status == 503
    assert "can&#x27;t be reached: refused" in text
    status, _, text = await ask(away, scope("/-/status", query="format=json"))
    assert (status, json.loads(text)["broker"]["reachable"]) == (503, False)


async def test_status_while_the_broker_stands_still(monkeypatch):
    monkeypatch.setattr("queueproxy.front.endpoints.ANSWER_WITHIN", 0.1)
    released = threading.Event()
    silent = endpoints(away_for=28.0)
    silent._open_reader = lambda: released.wait(30)
    try:
        status, _, text = await ask(silent, scope("/-/status"))
    finally:
        released.set()
    assert status == 503
    assert "can&#x27;t be reached since " in text
    assert "UTC, for 28.0 s: it does not answer." in text


async def test_only_get_and_head():
    status, headers, _ = await ask(endpoints(), scope("/-/status", method="POST"))
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")
    status, headers, text = await ask(endpoints(), scope("/-/status", method="HEAD"))
    assert (status, text) == (200, "")
    assert int(headers[b"content-length"]) > 100


def asked_by(secret: str, **headers) -> dict:
    asking = question(signer((secret,), "queueproxy"))
    return scope("/-/seen", x_queueproxy_question=asking, host="a.example", **headers)


async def test_who_has_the_secret_is_told_what_is_seen():
    asked = asked_by(SECRETS[0], x_forwarded_for="10.0.0.9", x_forwarded_proto="https")
    status, headers, text = await ask(endpoints(), {**asked, "scheme": "http"})
    assert (status, headers[b"content-type"]) == (200, b"application/json")
    assert json.loads(text) == {
        "peer": "127.0.0.1",
        "trusted": False,
        "forwarding": ["x-forwarded-for", "x-forwarded-proto"],
        "client": "127.0.0.1",
        "scheme": "http",
        "host": "a.example",
    }
    _, _, text = await ask(endpoints(trusted=("127.0.0.1",)), {**asked, "scheme": "http"})
    told = json.loads(text)
    assert (told["trusted"], told["client"], told["scheme"]) == (True, "10.0.0.9", "https")


@pytest.mark.parametrize(
    "asked",
    [
        scope("/-/seen"),
        asked_by("another secret"),
        scope("/-/seen", x_queueproxy_question="17000000000.00"),
        scope("/-/seen", x_queueproxy_question="nonsense"),
        scope("/-/seen", x_queueproxy_question="9" * 5000),
        scope("/-/seen", x_queueproxy_question=f"{int(time.time()) + 60}.é"),
    ],
)
async def test_nobody_else_is_told_what_is_seen(asked):
    assert (await ask(endpoints(), asked))[0] == 403


async def test_nor_is_anybody_once_the_question_is_old(monkeypatch):
    asked = asked_by(SECRETS[0])
    later = time.time() + 61
    monkeypatch.setattr("queueproxy.front.seen.time", SimpleNamespace(time=lambda: later))
    assert (await ask(endpoints(), asked))[0] == 403


async def test_nor_is_anybody_where_signing_is_off():
    asked = scope("/-/seen", x_queueproxy_question=question(signer((), "queueproxy")))
    assert (await ask(endpoints(secrets=()), asked))[0] == 403
