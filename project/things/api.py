"""A small JSON API: no session and no cookie has a say in it, so it needs no CSRF token."""

import json

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from .forms import ApiThingForm
from .models import Thing


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def collection(request):
    """List all things, or create one."""
    if request.method == "POST":
        return _save(request, Thing(), created=True)
    return JsonResponse({"things": [thing.as_dict() for thing in Thing.objects.all()]})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def item(request, pk):
    """Read, replace, change or delete one thing."""
    thing = get_object_or_404(Thing, pk=pk)
    if request.method == "DELETE":
        thing.delete()
        return JsonResponse({}, status=204)
    if request.method in ("PUT", "PATCH"):
        return _save(request, thing)
    return JsonResponse(thing.as_dict())


def _save(request, thing, *, created=False):
    try:
        given = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "The body is not JSON."}, status=400)
    if not isinstance(given, dict):
        return JsonResponse({"error": "The body is not a JSON object."}, status=400)
    if request.method == "PATCH":
        given = {"name": thing.name, "description": thing.description, "price": thing.price} | given
    form = ApiThingForm(given, instance=thing)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    return JsonResponse(form.save().as_dict(), status=201 if created else 200)
