from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.routers import DefaultRouter
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v2.views import PagesAPIViewSet
from wagtail.contrib.sitemaps import Sitemap
from wagtail.documents import urls as wagtaildocs_urls

from . import views
from .apis import NoteViewSet, api

router = DefaultRouter()
router.register("notes", NoteViewSet)
pages = WagtailAPIRouter("pages_api")
pages.register_endpoint("pages", PagesAPIViewSet)

urlpatterns = [
    path("apps/", views.index),
    path("apps/limited/", views.limited),
    path("apps/blocked/", views.blocked),
    path("apps/fragment/", views.fragment),
    path("apps/contact/", views.contact),
    path("rest/", include(router.urls)),
    path("rest-token/", obtain_auth_token),
    path("rest-schema/", SpectacularAPIView.as_view(), name="schema"),
    path("rest-docs/", SpectacularSwaggerView.as_view(url_name="schema")),
    path("ninja/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("prometheus/", include("django_prometheus.urls")),
    path("silk/", include("silk.urls", namespace="silk")),
    path("django-admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("shop/", include(apps.get_app_config("oscar").urls[0])),
    path("cms/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("pages-api/", pages.urls),
    path("sitemap.xml", sitemap, {"sitemaps": {"pages": Sitemap}}),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
    path("__debug__/", include("debug_toolbar.urls")),
    path("", include(wagtail_urls)),
]
