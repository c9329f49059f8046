"""The probe site with a view that says who asks."""

from ..acceptance.probe.peer_urls import urlpatterns as peer_urls
from ..acceptance.probe.urls import urlpatterns as probe_urls

urlpatterns = [*peer_urls, *probe_urls]
