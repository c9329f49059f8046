"""Views that show by whom and in what they are run."""

import os
import threading

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def about(request):
    return JsonResponse(
        {
            "id": request.headers.get("X-Request-ID", ""),
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
            "setting": getattr(settings, "OF_A_TEST", ""),
            "handler": request.environ.get("of the test", ""),
        }
    )


async def about_async(request):
    return JsonResponse({"id": request.headers.get("X-Request-ID", "")})


@csrf_exempt
def users(request):
    if request.method == "POST":
        User.objects.create_user(request.POST["name"])
    return JsonResponse(sorted(User.objects.values_list("username", flat=True)), safe=False)


def greeting(request):
    template = engines["django"].from_string("Hello, {{ name }}")
    return HttpResponse(template.render({"name": "world"}, request))


def fails(request):
    raise ZeroDivisionError("on purpose")


def unsendable(request):
    response = HttpResponse("four")
    response["Content-Length"] = "5"
    return response


def breaks_off(request):
    def pieces():
        yield b"one"
        raise ZeroDivisionError("on purpose")

    return StreamingHttpResponse(pieces())


def counts(request):
    return StreamingHttpResponse(str(number) for number in range(3))


urlpatterns = [
    path("about/", about),
    path("about-async/", about_async),
    path("users/", users),
    path("greeting/", greeting),
    path("fails/", fails),
    path("unsendable/", unsendable),
    path("breaks-off/", breaks_off),
    path("counts/", counts),
]
