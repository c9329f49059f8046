"""Views that prove what they saw: nonce, checksum and cookie come back in the answer."""

import hashlib
import random
import time

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.acceptance.probe.urls import note

from . import crash

SECONDS, WEIGHTS = (0, 0.002, 0.01, 0.05, 1.5), (60, 15, 15, 10, 4)


def run(request, nonce):
    digest = hashlib.sha256(request.body).hexdigest()
    token = note(request, nonce)
    crash.maybe()  # inside the view
    time.sleep(random.choices(SECONDS, WEIGHTS)[0])
    response = HttpResponse(f"{nonce} {digest} {request.COOKIES.get('user', '')}")
    response["X-Nonce"] = nonce
    response["X-Token"] = token
    response.set_cookie("user", request.COOKIES.get("user", ""))
    return response


def stream(request, nonce):
    note(request, nonce)

    def pieces():
        for number in range(12):
            yield f"{nonce} {number}\n".encode() * 300
            crash.maybe()  # between frames
        yield f"end {nonce}".encode()

    return StreamingHttpResponse(pieces())


urlpatterns = [path("run/<nonce>/", run), path("stream/<nonce>/", stream)]
