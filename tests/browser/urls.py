"""The example site's addresses, and views that fare badly or leave a trace."""

import os
from pathlib import Path

from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from .strict import take_report


@csrf_exempt
def die_once(request, name):
    """Takes its process down, the first time; afterwards it is well."""
    try:
        _file(f"died-{name}").touch(exist_ok=False)
    except FileExistsError:
        return HttpResponse("well")
    os.kill(os.getpid(), 9)


def run(request):
    """Leaves a line for each execution."""
    with _file("runs").open("a") as file:
        file.write("run\n")
    return HttpResponse("run")


def offend(request):
    """A page with an inline script, which the policy forbids."""
    return HttpResponse("<!doctype html><title>x</title><script>document.title = 'ran'</script>")


def _file(name: str) -> Path:
    return Path(os.environ["QUEUEPROXY_VAR"]) / name


urlpatterns = [
    path("csp-report/", take_report),
    path("die/<name>/", die_once),
    path("run/", run),
    path("offend/", offend),
    path("", include("project.urls")),
]
