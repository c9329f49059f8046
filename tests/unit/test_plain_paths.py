"""Which addresses of a URLconf have no parameter."""

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path

from queueproxy.worker.plain_paths import plain_paths


def view(request, **kwargs):
    return HttpResponse()


inner = [path("", view), path("list/", view), path("<int:number>/", view)]
urlpatterns = [
    path("", view),
    path("plain/", view),
    path("plain/", view),
    path("größe/", view),
    path("<slug:name>/", view),
    re_path(r"^exact/$", view),
    re_path(r"^any/\d+/$", view),
    path("things/", include(inner)),
    path("by/<int:number>/", include(inner)),
]


@pytest.fixture(autouse=True)
def here():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def test_each_once_in_order():
    assert plain_paths({}) == [
        *("/", "/plain/", "/gr%C3%B6%C3%9Fe/", "/exact/"),
        *("/things/", "/things/list/"),
    ]
