"""A small JSON API, open to all.

It needs no CSRF token: no session has a say in it, and a body must be ``application/json``, which
another site's page can't send here without asking first (CORS).
"""

import json

from django.core.paginator import InvalidPage, Paginator
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from .forms import ApiThingForm
from .models import Thing

PAGE = 100  # things


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def collection(request):
    """List things (``?q=`` searches, ``?page=`` goes on), or create one."""
    if request.method == "POST":
        return _save(request, Thing())
    pages = Paginator(Thing.objects.search(request.GET.get("q", "")), PAGE)
    try:
        page = pages.page(request.GET.get("page", 1))
    except InvalidPage:
        return _error("There is no such page.", 404)
    things = [thing.as_dict() for thing in page]
    return JsonResponse({"count": pages.count, "next": _next(request, page), "things": things})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def item(request, pk):
    """Read, replace, change or delete one thing."""
    thing = Thing.objects.filter(pk=pk).first()
    if thing is None:
        return _error("There is no such thing.", 404)
    if request.method == "DELETE":
        thing.delete()
        return HttpResponse(status=204)
    if request.method in ("PUT", "PATCH"):
        return _save(request, thing)
    return JsonResponse(thing.as_dict())


def _next(request, page) -> str | None:
    if not page.has_next():
        return None
    query = request.GET.copy()
    query["page"] = page.next_page_number()
    return f"{reverse('things:api-list')}?{query.urlencode()}"


def _save(request, thing: Thing) -> JsonResponse:
    if request.content_type != "application/json":
        return _error("Send the thing as application/json.", 415)
    try:
        given = _read(request.body)
    except ValueError as error:
        return _error(str(error), 400)
    if request.method == "PATCH":
        given = {"name": thing.name, "description": thing.description, "price": thing.price} | given
    status = 200 if thing.pk else 201
    form = ApiThingForm(given, instance=thing)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    return JsonResponse(form.save().as_dict(), status=status)


def _read(body: bytes) -> dict:
    """The JSON object; ValueError where it isn't one, with words for the client."""
    try:
        given = json.loads(body)
        json.dumps(given, ensure_ascii=False).encode()  # a lone surrogate can't be stored
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise ValueError("The body is not a JSON object.")
    return given


def _error(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
