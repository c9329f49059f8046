"""The probe site with an admin whose place the environment names, and views that pose as it."""

import os

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import path

from .urls import run
from .urls import urlpatterns as probe_urls

PLACE = os.environ.get("PROBE_ADMIN", "admin/")
admin_urls = [path(PLACE, admin.site.urls)]

urlpatterns = [
    *probe_urls,
    path("shop/queueproxy/<nonce>", run),
    path("static/admin/<nonce>", run),
    *(i18n_patterns(*admin_urls) if "PROBE_LANGUAGES" in os.environ else admin_urls),
]
