"""The probe site, and a view that speaks to the websockets in the front."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpResponse
from django.urls import include, path


def notify(request, text):
    """Sends a text to all who listen."""
    send = async_to_sync(get_channel_layer().group_send)
    send("notices", {"type": "notice", "text": text})
    return HttpResponse(text)


urlpatterns = [
    path("notify/<text>/", notify),
    path("", include("tests.acceptance.probe.urls")),
]
