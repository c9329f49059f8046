"""A content security policy that allows nothing inline and nothing from elsewhere, and its reports.

The reports are kept in a file, a line each, whichever worker process gets them.
"""

import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; report-uri /csp-report/"


def reports(directory: Path) -> list[str]:
    """What was reported to the site with that directory."""
    file = directory / "csp-reports"
    return file.read_text().splitlines() if file.exists() else []


class StrictMiddleware:
    """Puts the policy on every answer."""

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response


@csrf_exempt
def take_report(request: HttpRequest) -> HttpResponse:
    """What a browser says was against the policy."""
    with (Path(os.environ["QUEUEPROXY_VAR"]) / "csp-reports").open("ab") as file:
        file.write(request.body.replace(b"\n", b" ") + b"\n")
    return HttpResponse(status=204)
