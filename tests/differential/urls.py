"""Views that show what they see, and views that answer in every way there is."""

import hashlib
import io

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import include, path, re_path, reverse
from django.utils import translation
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition

# The front's own, and those of a connection, which end at the front.
OWN_HEADERS = ("X-Request-Id", "X-Request-Start", "Connection", "Transfer-Encoding")


@csrf_exempt
def seen(request, rest=""):
    """Everything a view sees of a request that plain servers agree on."""
    files = {
        name: [(f.name, f.content_type, hashlib.md5(f.read()).hexdigest()) for f in found]
        for name, found in request.FILES.lists()
    }
    post = dict(request.POST.lists())
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "full": request.get_full_path(),
            "script": request.META["SCRIPT_NAME"],
            "query": request.META["QUERY_STRING"],
            "get": dict(request.GET.lists()),
            "post": post,
            "files": files,
            "body": hashlib.md5(request.body if not post and not files else b"").hexdigest(),
            "cookies": request.COOKIES,
            "headers": {k: v for k, v in request.headers.items() if k not in OWN_HEADERS},
            "scheme": request.scheme,
            "secure": request.is_secure(),
            "type": [request.content_type, request.content_params],
            "encoding": request.encoding,
            "absolute": _absolute(request),
            "reverse": reverse("seen"),
            "peer": request.META["REMOTE_ADDR"],
            "language": translation.get_language(),
        },
        json_dumps_params={"sort_keys": True},
    )


def _absolute(request):
    try:
        return request.build_absolute_uri("x?y=z")
    except SuspiciousOperation as error:
        return repr(error)


def cookies(request):
    response = HttpResponse("cookies")
    response.set_cookie("a", "1", max_age=60, path="/x", secure=True, samesite="Lax")
    response.set_cookie("b", 'quo"ted; val', httponly=True, domain="example.test")
    response.set_cookie("c", "ünicode")
    response.delete_cookie("d", path="/y")
    return response


def headers(request):
    response = HttpResponse("headers")
    response["X-Mixed-Case"] = "Value"
    response["X-Latin"] = "caf\xe9"
    response["X-Unicode"] = "日本"
    response["X-Empty"] = ""
    response["Vary"] = "Accept, Cookie"
    response["Cache-Control"] = "private, max-age=3"
    response["Link"] = "</a>; rel=next, </b>; rel=prev"
    return response


def status(request, code):
    return HttpResponse(b"" if code in (204, 205, 304) else b"body of %d" % code, status=code)


def stream(request, kind):
    pieces = {
        "text": lambda: (f"piece {n}\n" for n in range(50)),
        "empty": lambda: iter(()),
        "blanks": lambda: iter([b"a", b"", b"b", b""]),
        "large": lambda: (b"x" * 100_000 for _ in range(8)),
        "unicode": lambda: iter(["é", "日"]),
    }
    response = StreamingHttpResponse(pieces[kind]())
    if kind == "blanks":
        response["Content-Length"] = "2"
    return response


async def async_stream(request):
    async def pieces():
        for n in range(20):
            yield f"{n},"

    return StreamingHttpResponse(pieces())


def file(request, kind):
    data = {
        "text": (b"some text\n" * 500, "a.txt", False),
        "attachment": (bytes(range(256)) * 400, "data.bin", True),
        "unicode": (b"1", "naïve 日本.txt", True),
        "empty": (b"", "empty.txt", False),
    }
    content, name, attachment = data[kind]
    return FileResponse(io.BytesIO(content), as_attachment=attachment, filename=name)


def error(request, kind):
    if kind == "404":
        raise Http404("nothing")
    if kind == "403":
        raise PermissionDenied("no")
    if kind == "400":
        raise SuspiciousOperation("odd")
    if kind == "stream":
        return StreamingHttpResponse(iter([b"never ", b"broken"]))
    raise ValueError("broken on purpose")


@condition(etag_func=lambda r: '"v1"', last_modified_func=lambda r: None)
def tagged(request):
    return HttpResponse("tagged")


def modified(request):
    response = HttpResponse("modified")
    response["Last-Modified"] = http_date(1_000_000_000)
    return response


@transaction.atomic
def atomic(request):
    return HttpResponse("atomic")


async def asynchronous(request):
    return JsonResponse({"path": request.path, "q": request.GET.get("q")})


urlpatterns = [
    path("seen/", seen, name="seen"),
    re_path(r"^seen/(?P<rest>.+)$", seen),
    path("cookies/", cookies),
    path("headers/", headers),
    path("status/<int:code>/", status),
    path("stream/async/", async_stream),
    path("stream/<kind>/", stream),
    path("file/<kind>/", file),
    path("error/<kind>/", error),
    path("tagged/", tagged),
    path("modified/", modified),
    path("atomic/", atomic),
    path("asynchronous/", asynchronous),
    path("redirect/found/", lambda r: HttpResponseRedirect("/seen/?a=1")),
    path("redirect/moved/", lambda r: HttpResponsePermanentRedirect("https://example.test/é")),
    path("redirect/307/", lambda r: HttpResponseRedirect("/seen/", preserve_request=True)),
    path("redirect/308/", lambda r: HttpResponsePermanentRedirect("/", preserve_request=True)),
    path("json/", lambda r: JsonResponse({"ü": [1, None, "日本"]})),
    path("long/", lambda r: HttpResponse("compressible " * 200)),
    path("big/", lambda r: HttpResponse(b"\x00\x01" * 400_000, content_type="image/x-none")),
    path("", include("project.urls")),
]
