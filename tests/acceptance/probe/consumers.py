"""A project's own ASGI application: a websocket to which workers send what they are told to."""

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from queueproxy.asgi import QueueProxy

GROUP = "notices"


class Notices(AsyncWebsocketConsumer):
    """Passes on what is sent to the group, and what its client says."""

    groups = [GROUP]

    async def receive(self, text_data=None, bytes_data=None) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "notice", "text": text_data})

    async def notice(self, event: dict) -> None:
        await self.send(event["text"])


application = ProtocolTypeRouter(
    {
        "http": QueueProxy(),
        "websocket": URLRouter([path("notices/", Notices.as_asgi())]),
    }
)
