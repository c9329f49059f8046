"""One view for each kind of work."""

import time

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from .models import Article

MEGABYTE = 1 << 20
DOWNLOAD = b"x" * MEGABYTE


def trivial(request):
    """Nothing but the way there and back."""
    return HttpResponse(b"ok", content_type="text/plain")


def numbered(request, number):
    """As `trivial`, by one route of many paths."""
    return HttpResponse(b"ok", content_type="text/plain")


@login_required
def page(request):
    """What a page of an ordinary site does: session, login, a list of 20 rows, a template."""
    articles = Article.objects.select_related("author").order_by("-created")[:20]
    return render(request, "page.html", {"articles": articles})


def wait(request, milliseconds):
    """Wait as for another service, without using the processor."""
    time.sleep(milliseconds / 1000)
    return HttpResponse(b"waited", content_type="text/plain")


@csrf_exempt
def upload(request):
    """Take a body and say how long it was."""
    return HttpResponse(str(len(request.body)), content_type="text/plain")


def download(request, megabytes=1):
    """Give so many megabytes."""
    return HttpResponse(DOWNLOAD * megabytes, content_type="application/octet-stream")
