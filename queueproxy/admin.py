"""The entry "Queue" in the Django admin; the page itself is in `queueproxy.dashboard`."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from .dashboard import actions, batch, clients, lists, one_request, routes, views
from .models import Execution, Queue


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Shows one page instead of a list of rows; the model's permissions tell who may do what."""

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(
                route,
                self.admin_site.admin_view(lambda *args, **kwargs: view(self, *args, **kwargs)),
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

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("queueproxy.view_dashboard")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {"add": False, "change": False, "delete": False, "view": True}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Lists what has happened exactly once. Answers are hidden: they are somebody's own."""

    list_display = ("key", "request", "status", "created")
    search_fields = ("=key", "=request")
    fields = list_display
    ordering = ("-created",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).defer("headers", "body")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
