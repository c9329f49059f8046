"""Views, each with one of the apps at work."""

from crispy_forms.helper import FormHelper
from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseLocation, push_url, trigger_client_event
from django_ratelimit.decorators import ratelimit

from tests.apps.home.models import Note


def wants_toolbar(request: HttpRequest) -> bool:
    return "toolbar" in request.GET or request.path.startswith("/__debug__/")


def index(request):
    """A page with compressed styles and a nonce in its policy."""
    return render(request, "apps/index.html", {"notes": Note.objects.all()})


@ratelimit(key="ip", rate="3/h", block=False)
def limited(request):
    return JsonResponse({"limited": request.limited}, status=429 if request.limited else 200)


@ratelimit(key="header:x-key", rate="2/h", method="POST")
def blocked(request):
    return HttpResponse("not yet")


def fragment(request):
    about = {
        "htmx": bool(request.htmx),
        "boosted": request.htmx.boosted,
        "target": request.htmx.target,
        "url": request.htmx.current_url,
        "event": request.htmx.triggering_event,
    }
    if "elsewhere" in request.GET:
        return HttpResponseLocation("/apps/", target="#main")
    response = trigger_client_event(JsonResponse(about), "seen", {"times": 2})
    return push_url(response, "/apps/?page=2")


class ContactForm(forms.Form):
    name = forms.CharField(max_length=10)
    mail = forms.EmailField()
    file = forms.FileField(required=False)

    @property
    def helper(self) -> FormHelper:
        return FormHelper()


def contact(request):
    form = ContactForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        return JsonResponse({"name": form.cleaned_data["name"], "bytes": file.size if file else 0})
    return render(request, "apps/contact.html", {"form": form})
