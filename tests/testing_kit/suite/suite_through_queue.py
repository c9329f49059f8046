"""The project's own tests, within the process."""

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, TestCase

from queueproxy.exceptions import BadResponse
from queueproxy.testing import ThroughQueueMixin, through_queue


def test_only_a_request_that_went_through_the_queue_has_an_id(client):
    assert client.get("/about/").json()["id"] == ""
    with through_queue() as passed:
        assert client.get("/about/").json()["id"].startswith("test-")
    assert client.get("/about/").json()["id"] == ""
    assert passed.requests == [("GET", "/about/")]


def test_the_fixture(client, through_queue):
    ids = {client.get("/about/").json()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert through_queue.requests == [("GET", "/about/")] * 3


async def test_the_async_client(through_queue):
    answer = await AsyncClient().get("/about-async/")
    assert answer.json()["id"].startswith("test-")


@through_queue()
def test_the_decorator(client):
    assert client.get("/about/").json()["id"]


def test_what_a_test_puts_into_the_environ_arrives(client, through_queue):
    assert client.get("/about/", **{"of the test": "yes"}).json()["handler"] == "yes"


@pytest.mark.django_db
def test_the_database_is_the_tests_own(client, through_queue):
    User.objects.create_user("anna")
    client.post("/users/", {"name": "ben"})
    assert client.get("/users/").json() == ["anna", "ben"]


@pytest.mark.django_db
def test_it_was_rolled_back(client, through_queue):
    assert client.get("/users/").json() == []


@pytest.mark.django_db
def test_a_login(client, through_queue):
    client.force_login(User.objects.create_user("anna"))
    assert client.get("/about/").wsgi_request.user.username == "anna"


def test_templates_and_contexts(client, through_queue):
    answer = client.get("/greeting/")
    assert answer.content == b"Hello, world"
    assert answer.context["name"] == "world"


def test_what_a_view_raises_reaches_the_test(client, through_queue):
    with pytest.raises(ZeroDivisionError):
        client.get("/fails/")
    client.raise_request_exception = False
    assert client.get("/fails/").status_code == 500


def test_a_stream_has_come_whole(client, through_queue):
    assert b"".join(client.get("/counts/")) == b"012"


def test_an_answer_that_cannot_be_sent_fails_the_test(client):
    assert client.get("/unsendable/").content == b"four"  # as any test would have it
    with through_queue(), pytest.raises(BadResponse, match="GET /unsendable/"):
        client.get("/unsendable/")


def test_a_stream_that_breaks_off_fails_the_test(client, through_queue):
    with pytest.raises(BadResponse, match="broke off"):
        client.get("/breaks-off/")


class Case(ThroughQueueMixin, TestCase):
    @classmethod
    def setUpTestData(cls):
        User.objects.create_user("anna")

    def test_clients(self):
        assert self.client.get("/users/").json() == ["anna"]
        assert ("GET", "/users/") in self.queue.requests
