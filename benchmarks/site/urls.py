"""Where the views are; ``low/`` and ``high/`` are for routes to other queues."""

from django.urls import path

from . import views

urlpatterns = [
    path("trivial/", views.trivial),
    path("numbered/<int:number>/", views.numbered),
    path("page/", views.page),
    path("wait/<int:milliseconds>/", views.wait),
    path("upload/", views.upload),
    path("download/", views.download),
    path("download/<int:megabytes>/", views.download),
    path("high/trivial/", views.trivial),
    path("low/wait/<int:milliseconds>/", views.wait),
]
