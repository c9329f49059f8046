"""What starts and stops with the server, whatever the project's application passes on."""

import asyncio
from types import SimpleNamespace

import pytest
from channels.routing import ProtocolTypeRouter

from queueproxy import asgi
from queueproxy.front.http.refusals import TOO_MANY_CONNECTIONS
from queueproxy.served_application import NoQueue, ServedApplication, load


class Proxy:
    """A `QueueProxy` as far as a server's life touches it."""

    def __init__(self, *held: float):
        self.life: list[str] = []
        self._held = held

    def running(self) -> None:
        self.life.append("start")

    async def stop(self) -> None:
        self.life.append("stop")

    def drain(self) -> None:
        self.life.append("drain")

    def held_requests(self) -> list[dict]:
        return [{"seconds": seconds} for seconds in self._held]

    def count(self, refusal) -> bool:
        if "start" in self.life:
            self.life.append(refusal.reason)
        return "start" in self.life


async def live(app: ServedApplication) -> list[str]:
    """Start and stop; what it answers."""
    messages = iter(["lifespan.startup", "lifespan.shutdown"])
    answers = []

    async def receive() -> dict:
        return {"type": next(messages)}

    async def send(message: dict) -> None:
        answers.append(message["type"])

    await asyncio.wait_for(app({"type": "lifespan", "state": {}}, receive, send), 5)
    return answers


async def test_a_router_without_lifespan():
    proxies = (Proxy(), Proxy())
    answers = await live(ServedApplication(ProtocolTypeRouter({}), proxies))
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [proxy.life for proxy in proxies] == [["start", "stop"]] * 2


async def test_an_application_with_a_lifespan_has_it_too():
    seen = []

    async def app(scope, receive, send) -> None:
        scope["state"]["a"] = 1
        for what in ("startup", "shutdown"):
            seen.append((await receive())["type"])
            await send({"type": f"lifespan.{what}.complete"})

    await live(ServedApplication(app, (Proxy(),)))
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_that_can_not_start():
    async def app(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    proxy = Proxy()
    assert await live(ServedApplication(app, (proxy,))) == ["lifespan.startup.failed"]
    assert proxy.life == []


def test_all_are_drained_and_what_they_hold_is_listed_together():
    proxies = (Proxy(1, 3), Proxy(2))
    served = ServedApplication(ProtocolTypeRouter({}), proxies)
    served.drain()
    assert [proxy.life for proxy in proxies] == [["drain"]] * 2
    assert [request["seconds"] for request in served.held_requests()] == [3, 2, 1]


def test_without_the_setting_it_is_the_queue_alone(settings, monkeypatch):
    monkeypatch.delattr(asgi, "application", raising=False)
    del settings.ASGI_APPLICATION
    assert load()._app is asgi.application


def test_what_it_names_may_be_anything(settings, monkeypatch):
    monkeypatch.setattr(asgi, "constructed", lambda: ())
    settings.ASGI_APPLICATION = f"{__name__}.NAMED"
    with pytest.raises(NoQueue, match="without a queue"):
        load()
    settings.ASGI_APPLICATION = f"{__name__}.MISSING"
    with pytest.raises(NoQueue, match="can't be loaded"):
        load()


NAMED = SimpleNamespace()


def test_a_proxy_is_known_while_it_lives():
    before = asgi.constructed()
    made = asgi.QueueProxy()
    assert set(asgi.constructed()) == {*before, made}


def test_a_module_with_a_router_of_its_own_makes_no_second_proxy(monkeypatch):
    monkeypatch.delattr(asgi, "application", raising=False)
    assert "application" not in vars(asgi)
    assert asgi.application is asgi.application
    with pytest.raises(AttributeError):
        _ = asgi.nothing


def test_what_the_server_refuses_is_counted_once_by_a_front_that_runs():
    proxies = (Proxy(), Proxy(), Proxy())
    app = ServedApplication(None, proxies)
    app.count(TOO_MANY_CONNECTIONS)
    for proxy in proxies[1:]:
        proxy.running()
    app.count(TOO_MANY_CONNECTIONS)
    assert [proxy.life for proxy in proxies] == [[], ["start", "front_full"], ["start"]]


def test_by_none_where_none_runs():
    assert not asgi.QueueProxy().count(TOO_MANY_CONNECTIONS)
