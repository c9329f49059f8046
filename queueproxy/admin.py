"""The entry "Queue" in the Django admin; the page itself is in `queueproxy.dashboard`."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from .models import Execution, Queue


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Shows one page instead of a list of rows; the model's permissions tell who may do what."""

    def get_urls(self) -> list[URLPattern]:
        # Most commands load this module and never show the page.
        from .dashboard.urls import urls_of

        return urls_of(self)

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
