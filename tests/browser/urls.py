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


LEAKED = []


def leak(request):
    """Keeps 40 MiB for good where the process was started to do so; says how much, and who."""
    if "LEAKS" in os.environ:
        LEAKED.append(b"x" * (40 << 20))
    return HttpResponse(f"{len(LEAKED)} {os.getpid()}")


def faulty(request):
    """An error of the code, in a release that was started to have it."""
    if "FAULTY" in os.environ:
        raise RuntimeError("This release has a fault.")
    return HttpResponse("well")


def offend(request):
    """A page with an inline script, which the policy forbids."""
    return HttpResponse("<!doctype html><title>x</title><script>document.title = 'ran'</script>")


def _file(name: str) -> Path:
    return Path(os.environ["QUEUEPROXY_VAR"]) / name


urlpatterns = [
    path("csp-report/", take_report),
    path("die/<name>/", die_once),
    path("run/", run),
    path("leak/", leak),
    path("faulty/", faulty),
    path("offend/", offend),
    path("", include("project.urls")),
]
