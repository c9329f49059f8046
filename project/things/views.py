import csv
import math
import os
import threading
import time
from pathlib import Path

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.db.models import Q
from django.http import HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import CreateView, DetailView, ListView, UpdateView

from . import favourites
from .forms import ThingForm
from .models import Thing
from .ranges import file_response

PAGE = 12
SLOWEST = 120.0  # seconds
DOWNLOAD = Path(__file__).parent / "static" / "things" / "terms.txt"


class ThingList(ListView):
    """All things, searched and in pages."""

    model = Thing
    paginate_by = PAGE

    def get_queryset(self):
        things = super().get_queryset()
        words = self.request.GET.get("q", "").split()
        for word in words:
            things = things.filter(Q(name__icontains=word) | Q(description__icontains=word))
        return things

    def get_context_data(self, **kwargs):
        query = self.request.GET.get("q", "")
        return super().get_context_data(
            query=query, favourites=favourites.ids(self.request), **kwargs
        )


class Favourites(ListView):
    """What this visitor has marked; kept in the session."""

    template_name = "things/favourites.html"

    def get_queryset(self):
        return Thing.objects.filter(pk__in=favourites.ids(self.request))


class ThingDetail(DetailView):
    model = Thing

    def get_context_data(self, **kwargs):
        marked = self.object.pk in favourites.ids(self.request)
        return super().get_context_data(is_favourite=marked, **kwargs)


class ThingCreate(LoginRequiredMixin, SuccessMessageMixin, CreateView):
    model = Thing
    form_class = ThingForm
    success_message = "“%(name)s” was added."


class ThingUpdate(LoginRequiredMixin, SuccessMessageMixin, UpdateView):
    model = Thing
    form_class = ThingForm
    success_message = "“%(name)s” was changed."


@require_POST
def favourite(request, pk):
    """Mark or unmark a thing."""
    thing = get_object_or_404(Thing, pk=pk)
    if favourites.toggle(request, thing.pk):
        messages.success(request, f"“{thing}” is a favourite now.")
    else:
        messages.info(request, f"“{thing}” is no favourite any more.")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = thing.get_absolute_url()
    return redirect(back)


class _Echo:
    """A file that gives back what is written."""

    def write(self, text):
        return text


@require_safe
def export(request):
    """Every thing as CSV, streamed row by row."""
    writer = csv.writer(_Echo())

    def rows():
        yield writer.writerow(["id", "name", "price", "created"])
        for thing in Thing.objects.order_by("pk").iterator():
            created = thing.created.isoformat()
            yield writer.writerow([thing.pk, thing.name, thing.price, created])

    headers = {"Content-Disposition": 'attachment; filename="things.csv"'}
    return StreamingHttpResponse(rows(), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
def download(request):
    """A file, whole or in part."""
    return file_response(request, DOWNLOAD, filename="terms.txt", content_type="text/plain")


def slow(request):
    """A page that takes as long as it is asked to."""
    try:
        seconds = float(request.GET.get("seconds", "1"))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= SLOWEST:
        return HttpResponseBadRequest(f"seconds must be a number from 0 to {SLOWEST:g}.")
    time.sleep(seconds)
    return render(request, "things/slow.html", {"seconds": seconds})


def error(request):
    """A page that fails."""
    raise RuntimeError("This page always fails.")


def show_request(request):
    """The request as the view sees it, as a page or (``?format=json``) as JSON."""
    seen = {
        "method": request.method,
        "path": request.path,
        "full_path": request.get_full_path(),
        "url": request.build_absolute_uri(),
        "scheme": request.scheme,
        "body_bytes": len(request.body),
        "cookies": dict(request.COOKIES),
        "headers": dict(request.headers),
        "meta": {k: v for k, v in sorted(request.META.items()) if isinstance(v, str)},
        "process": os.getpid(),
        "thread": threading.current_thread().name,
    }
    if request.GET.get("format") == "json":
        return JsonResponse(seen)
    return render(request, "things/request.html", {"seen": seen})


async def asynchronous(request):
    """An async view."""
    return JsonResponse({"async": True, "path": request.path})
