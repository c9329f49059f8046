"""Tests that know nothing of a queue."""

import pytest


def test_about(client):
    assert client.get("/about/").status_code == 200


@pytest.mark.django_db
def test_users(client):
    client.post("/users/", {"name": "anna"})
    assert client.get("/users/").json() == ["anna"]
