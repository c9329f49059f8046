"""The things: list, detail, form, favourites, export."""

import csv

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import CreateView, DetailView, ListView, UpdateView

from queueproxy.policy import policy

from . import favourites
from .forms import ThingForm
from .models import Thing


class ThingList(ListView):
    """All things, searched (``?q=``) and in pages."""

    model = Thing
    paginate_by = 12

    def get_queryset(self):
        return super().get_queryset().search(self.request.GET.get("q", ""))

    def get_context_data(self, **kwargs):
        query = self.request.GET.get("q", "").strip()
        marked = favourites.ids(self.request)
        return super().get_context_data(query=query, favourites=marked, **kwargs)


class ThingDetail(DetailView):
    """One thing."""

    model = Thing

    def get_context_data(self, **kwargs):
        marked = self.object.pk in favourites.ids(self.request)
        return super().get_context_data(is_favourite=marked, **kwargs)


class ThingForms(LoginRequiredMixin, SuccessMessageMixin):
    """What adding and changing have in common.

    A script that sends the form, to show how far the upload is, asks for JSON and goes to the
    address in it: followed by itself, a redirect would use up the message meant for a person.
    """

    model = Thing
    form_class = ThingForm

    def form_valid(self, form):
        response = super().form_valid(form)
        if self.request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return JsonResponse({"url": response.url})
        return response


class ThingCreate(ThingForms, CreateView):
    """Add a thing."""

    success_message = "“%(name)s” was added."

    def form_valid(self, form):
        form.instance.added_by = self.request.user
        return super().form_valid(form)


class ThingUpdate(ThingForms, UpdateView):
    """Change a thing."""

    success_message = "“%(name)s” was changed."


@require_safe
def show_favourites(request):
    """What this visitor has marked, in the order of marking."""
    marked = favourites.ids(request)
    found = Thing.objects.in_bulk(marked)
    things = [found[pk] for pk in marked if pk in found]
    return render(request, "things/favourites.html", {"things": things})


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


@policy(max_hold=120)  # a long one; its queue is named in the settings, as an example of ROUTES
@require_safe
def export(request):
    """Every thing as CSV, streamed row by row."""
    headers = {"Content-Disposition": 'attachment; filename="things.csv"'}
    return StreamingHttpResponse(_rows(), content_type="text/csv; charset=utf-8", headers=headers)


def _rows():
    writer = csv.writer(_Echo())
    yield writer.writerow(["id", "name", "price", "created"])
    for thing in Thing.objects.order_by("pk").iterator():
        yield writer.writerow([thing.pk, thing.name, thing.price, thing.created.isoformat()])
