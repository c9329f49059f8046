"""Addresses of the example site: accounts, admin, uploads, and the things."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.static import serve

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    # An example: a real site gives uploads to a web server or a storage service.
    path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include("project.things.urls")),
]
handler500 = "project.errors.server_error"
