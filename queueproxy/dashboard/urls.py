"""The URLs of the page, below that of its entry in the admin."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern, path

from . import actions, batch, clients, lists, one_request, routes, views


def urls_of(admin: "ModelAdmin[Any]") -> list[URLPattern]:
    """Return them, each guarded by the admin's site.

    Args:
        admin: of the entry; tells who may do what.
    """

    def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        return path(
            route,
            admin.admin_site.admin_view(lambda *args, **kwargs: view(admin, *args, **kwargs)),
            name=f"queueproxy_queue_{name}",
        )

    return [
        page("", views.dashboard, "changelist"),
        page("data/", views.data, "data"),
        page("routes/", routes.routes, "routes"),
        page("clients/", clients.clients, "clients"),
        page("request/", one_request.one_request, "request"),
        page("pause/", actions.pause, "pause"),
        page("resume/", actions.resume, "resume"),
        page("withdraw/", actions.withdraw, "withdraw"),
        page("release/", views.release, "release"),
        page("release/activate/", actions.activate, "activate"),
        page("release/rollback/", actions.roll_back, "rollback"),
        page("waiting/", lists.waiting, "waiting"),
        page("waiting/withdraw/", batch.withdraw_all, "withdraw_all"),
        page("dead/", lists.letters, "letters"),
        page("dead/replay/", batch.replay_all, "replay_all"),
        page("dead/discard/", batch.discard_all, "discard_all"),
        page("export/<str:what>.<str:form>", lists.export, "export"),
        page("dead/<str:id>/", views.dead_letter, "dead"),
        page("dead/<str:id>/replay/", actions.replay, "replay"),
        page("dead/<str:id>/discard/", actions.discard, "discard"),
    ]
