"""Views whose effects happen once, in the tests' own process."""

import contextlib

from django.db import DatabaseError, connections, transaction
from django.http import FileResponse, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.urls import path

from queueproxy.policy import policy

from ..test_worker import views
from .databases import ALIAS

TOO_LARGE = 1024 * 1024 + 1


def write(nonce: str) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO effects VALUES (%s)", [nonce])


def effect(request, nonce):
    """Write the nonce; the query says what else."""
    said = request.GET
    state = views.state
    state.runs.append(nonce)
    write(nonce)
    if "read" in said:
        try:
            state.runs.append(len(request.body))
        except UnreadablePostError:
            state.runs.append("unreadable")
    if "hook" in said:
        transaction.on_commit(lambda: hook(said["hook"]), using=ALIAS)
    if "wait" in said:
        assert state.gates[said["wait"]].wait(views.PATIENCE)
    if "raise" in said:
        raise ValueError("on purpose")
    if "undo" in said:
        transaction.set_rollback(True, using=ALIAS)
    if "break" in said:
        with contextlib.suppress(DatabaseError), connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
    if "lose" in said:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("DELETE FROM queueproxy_execution")
    if "commit" in said:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("COMMIT")
    if "stream" in said:
        return StreamingHttpResponse(iter([b"a"]))
    if "file" in said:
        return FileResponse(open(__file__, "rb"))
    size = TOO_LARGE if "large" in said else 0
    response = HttpResponse(nonce + "x" * size, status=int(said.get("status", 200)))
    response.set_cookie("seen", nonce)
    response["X-Number"] = str(len(state.runs))
    return response


def hook(what: str) -> None:
    views.state.runs.append(f"hook {what}")
    if what == "raise":
        raise ValueError("on purpose")
    if what.startswith("wait"):
        assert views.state.gates[what].wait(views.PATIENCE)


once = policy(exactly_once=ALIAS)
urlpatterns = [
    path("effect/<nonce>/", once(effect)),
    path("keyed/<nonce>/", policy(exactly_once=ALIAS, require_key=True)(effect)),
    path("elsewhere/<nonce>/", policy(exactly_once="default")(effect)),
    path("plain/<nonce>/", effect),
]
