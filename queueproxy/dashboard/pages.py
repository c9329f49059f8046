"""What all pages about the queue have in common."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    from ..admin import QueueAdmin


def require(request: HttpRequest, permission: str) -> None:
    """Let nobody go on who lacks this permission of ours.

    Raises:
        PermissionDenied: as said.
    """
    if not request.user.has_perm(f"queueproxy.{permission}"):
        raise PermissionDenied


def page_context(model_admin: "QueueAdmin", request: HttpRequest, title: str) -> dict[str, Any]:
    """Return what the templates of the admin want."""
    context = model_admin.admin_site.each_context(request)
    return {**context, "title": title, "opts": model_admin.opts}


def away(request: HttpRequest, context: dict[str, Any], error: Exception) -> TemplateResponse:
    """Say that the broker can't be asked."""
    context["error"] = str(error)
    return TemplateResponse(request, "queueproxy/away.html", context, status=503)
