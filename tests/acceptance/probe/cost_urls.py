"""The same POST in a transaction of its own, and exactly once: what the latter costs."""

from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import path

from queueproxy.policy import policy


def order(request):
    """Read something, write something."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM stock WHERE id = %s", [1])
        (found,) = cursor.fetchone()
        cursor.execute("INSERT INTO orders (size) VALUES (%s)", [len(request.body)])
    return HttpResponse(b"%d" % found)


urlpatterns = [
    path("atomic/", transaction.atomic(order)),
    path("once/", policy(exactly_once=True)(order)),
]
