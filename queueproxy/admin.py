"""The entry "Queue" in the Django admin; the page itself is in `queueproxy.dashboard`."""

from django.contrib import admin
from django.urls import path

from .dashboard import actions, routes, views
from .models import Execution, Queue


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin):
    """Shows one page instead of a list of rows; the model's permissions tell who may do what."""

    def get_urls(self):
        def page(route, view, name):
            return path(
                route,
                self.admin_site.admin_view(lambda *args, **kwargs: view(self, *args, **kwargs)),
                name=f"queueproxy_queue_{name}",
            )

        return [
            page("", views.dashboard, "changelist"),
            page("data/", views.data, "data"),
            page("routes/", routes.routes, "routes"),
            page("pause/", actions.pause, "pause"),
            page("resume/", actions.resume, "resume"),
            page("withdraw/", actions.withdraw, "withdraw"),
            page("dead/<str:id>/", views.dead_letter, "dead"),
            page("dead/<str:id>/replay/", actions.replay, "replay"),
            page("dead/<str:id>/discard/", actions.discard, "discard"),
        ]

    def has_module_permission(self, request):
        return request.user.has_perm("queueproxy.view_dashboard")

    def has_view_permission(self, request, obj=None):
        return self.has_module_permission(request)

    def has_view_or_change_permission(self, request, obj=None):
        return self.has_module_permission(request)

    def get_model_perms(self, request):
        return {"add": False, "change": False, "delete": False, "view": True}

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin):
    """Lists what has happened exactly once. Answers are hidden: they are somebody's own."""

    list_display = ("key", "request", "status", "created")
    search_fields = ("=key", "=request")
    fields = list_display
    ordering = ("-created",)
    show_full_result_count = False

    def get_queryset(self, request):
        return super().get_queryset(request).defer("headers", "body")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
