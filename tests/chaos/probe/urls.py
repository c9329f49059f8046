"""Views that prove what they saw: nonce, checksum and cookie come back in the answer."""

import hashlib
import random
import time

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from ..users import PIECES, piece
from . import mishap
from .note import note

SECONDS, WEIGHTS = (0, 0.002, 0.01, 0.05, 1.5), (60, 15, 15, 10, 4)


def run(request, nonce):
    digest = hashlib.sha256(request.body).hexdigest()
    token = note(nonce)
    mishap.at("view")
    time.sleep(_seconds(request))
    response = HttpResponse(f"{nonce} {digest} {request.COOKIES.get('user', '')}")
    response["X-Nonce"] = nonce
    response["X-Token"] = token
    response.set_cookie("user", request.COOKIES.get("user", ""))
    return response


def _seconds(request) -> float:
    if "seconds" in request.GET:
        return float(request.GET["seconds"])
    return random.choices(SECONDS, WEIGHTS)[0]


def stream(request, nonce):
    token = note(nonce)
    mishap.at("view")

    def pieces():
        for number in range(PIECES):
            yield piece(nonce, number)
            mishap.at("frames")
        yield f"end {nonce}".encode()

    return StreamingHttpResponse(pieces(), headers={"X-Nonce": nonce, "X-Token": token})


urlpatterns = [path("run/<nonce>/", run), path("stream/<nonce>/", stream)]
