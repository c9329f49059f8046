"""A websocket of a project that has no consumer for it."""

from queueproxy.asgi import QueueProxy, application


async def test_it_is_closed_before_it_is_open():
    sent = []

    async def receive() -> dict:
        return {"type": "websocket.connect"}

    async def send(message: dict) -> None:
        sent.append(message)

    for app in (QueueProxy(), application):
        await app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close"}] * 2
