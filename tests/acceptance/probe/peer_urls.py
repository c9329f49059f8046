"""A view that says who asks, as Django sees it."""

from django.http import HttpResponse
from django.urls import path

urlpatterns = [
    path("peer/", lambda request: HttpResponse(f"{request.META['REMOTE_ADDR']} {request.scheme}"))
]
