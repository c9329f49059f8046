"""What the admin shows of requests that happened exactly once: no answer, and nothing to change."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from queueproxy.models import Execution

ROOT = "/admin/queueproxy/execution/"
SECRET = "somebody's own"


@pytest.fixture
def client(db):
    """Somebody who may look at executions and at nothing else."""
    user = User.objects.create_user("looks", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def execution(db):
    return Execution.objects.create(
        key="k1",
        request="r1",
        created=timezone.now(),
        status=201,
        headers=f'[["X", "{SECRET}"]]',
        body=SECRET.encode(),
    )


@pytest.mark.parametrize("path", ["", "k1/change/"])
def test_answers_are_hidden(client, execution, path):
    page = client.get(ROOT + path)
    assert page.status_code == 200
    assert b"k1" in page.content
    assert b"201" in page.content
    assert b"somebody" not in page.content


@pytest.mark.parametrize("path", ["add/", "k1/delete/"])
def test_nothing_can_be_changed(client, execution, path):
    assert client.get(ROOT + path).status_code == 403
    assert client.post(ROOT + path, {"post": "yes"}).status_code == 403
    assert Execution.objects.count() == 1


def test_without_the_permission_it_is_forbidden(client, execution):
    User.objects.get().user_permissions.clear()
    assert client.get(ROOT).status_code == 403


def test_there_are_no_other_permissions(db):
    found = Permission.objects.filter(content_type__model="execution")
    assert [permission.codename for permission in found] == ["view_execution"]
