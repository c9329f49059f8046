"""The page of a view that failed."""

import logging

from django.http import HttpResponseServerError
from django.template.loader import render_to_string

logger = logging.getLogger("project")


def server_error(request):
    """Name the request by its id, here and in the log; what else a page needs may be broken."""
    id = request.headers.get("X-Request-ID", "")
    if id:
        logger.error("%s %s failed: request %s, traceback above.", request.method, request.path, id)
    return HttpResponseServerError(render_to_string("500.html", {"request_id": id}))
