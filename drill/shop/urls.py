"""The shop beside the example site."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("shop/<nonce>/", views.orders),
    path("", include("project.urls")),
]
