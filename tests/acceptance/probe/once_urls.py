"""Views whose effects happen once. Where a process dies is said in the query, for the first run."""

import os
import signal
import time

from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import path

from queueproxy.policy import policy

from .urls import note, runs


def effect(request, nonce):
    token = note(request, nonce)
    where = request.GET.get("die", "") if runs(nonce) == 1 else ""
    size = len(request.body)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects VALUES (%s)", [nonce])
    request.session["visits"] = request.session.get("visits", 0) + 1
    if where == "in the view":
        _end(signal.SIGKILL)
    if where == "frozen":
        _end(signal.SIGSTOP)
    if where == "after commit":
        transaction.on_commit(lambda: _end(signal.SIGKILL))
    time.sleep(float(request.GET.get("seconds", 0)))
    return HttpResponse(f"{nonce} {size} {token}", status=int(request.GET.get("status", 200)))


def _end(number: int) -> None:
    os.kill(os.getpid(), number)


urlpatterns = [path("effect/<nonce>/", policy(exactly_once=True)(effect))]
