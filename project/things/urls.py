from django.urls import path

from . import api, demonstrations, live, views

app_name = "things"
urlpatterns = [
    path("", views.ThingList.as_view(), name="list"),
    path("things/new/", views.ThingCreate.as_view(), name="create"),
    path("things/export.csv", views.export, name="export"),
    path("things/<int:pk>/", views.ThingDetail.as_view(), name="detail"),
    path("things/<int:pk>/edit/", views.ThingUpdate.as_view(), name="edit"),
    path("things/<int:pk>/favourite/", views.favourite, name="favourite"),
    path("favourites/", views.show_favourites, name="favourites"),
    path("live/", live.show, name="live"),
    path("live/events/", live.events, name="live-events"),
    path("api/things/", api.collection, name="api-list"),
    path("api/things/<int:pk>/", api.item, name="api-item"),
    path("download/", demonstrations.download, name="download"),
    path("slow/", demonstrations.slow, name="slow"),
    path("error/", demonstrations.error, name="error"),
    path("request/", demonstrations.show_request, name="request"),
    path("async/", demonstrations.asynchronous, name="async"),
]
