"""The example site's download in ranges, its export and its JSON API, served plainly."""

import csv
import io
import json
from decimal import Decimal

import pytest
from django.test import Client

from project.things.demonstrations import DOWNLOAD
from project.things.models import Thing
from project.things.ranges import parse_range

TERMS = DOWNLOAD.read_bytes()
SIZE = len(TERMS)


# Ranges


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        (f"bytes=-{SIZE + 1}", 0, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        (f"bytes=10-{SIZE + 99}", 10, SIZE - 1),
        ("BYTES=5-9", 5, 9),
    ],
)
def test_part(client, header, start, end):
    response = client.get("/download/", headers={"Range": header})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{end}/{SIZE}"
    assert response["Content-Length"] == str(end - start + 1)
    assert b"".join(response) == TERMS[start : end + 1]


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_range_outside_the_file(client, header):
    response = client.get("/download/", headers={"Range": header})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-0,2-3",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "lines=0-1",
        "0-1",
        "bytes=0-" + "9" * 19,
    ],
)
def test_ignored_range_gives_all(client, header):
    response = client.get("/download/", headers={"Range": header})
    assert response.status_code == 200
    assert response["Accept-Ranges"] == "bytes"
    assert b"".join(response) == TERMS


def test_range_of_an_empty_file():
    assert parse_range("", 0) is None
    for header in ("bytes=0-", "bytes=-1"):
        with pytest.raises(ValueError, match="outside"):
            parse_range(header, 0)


def test_ranges_and_conditions(client):
    def status(**headers):
        response = client.get("/download/", headers=headers)
        list(response)  # its end closes the file
        return response.status_code

    whole = client.head("/download/", headers={"Range": "bytes=0-0"})
    assert (whole.status_code, whole["Content-Length"]) == (200, str(SIZE))  # GET alone has ranges
    etag, modified = whole["ETag"], whole["Last-Modified"]
    assert status(range="bytes=0-0", if_range=etag) == 206
    assert status(range="bytes=0-0", if_range=modified) == 206
    assert status(range="bytes=0-0", if_range='"other"') == 200
    assert status(range="bytes=0-0", if_none_match=etag) == 304
    assert status(if_modified_since=modified) == 304
    assert status(if_match='"other"') == 412


# Export and API


def test_export(client, db):
    Thing.objects.bulk_create(Thing(name=f"Thing {number}") for number in range(30))
    odd = Thing.objects.create(name='A "b", c\nd', price=Decimal("0.10"))
    response = client.get("/things/export.csv")
    assert response.streaming
    assert "things.csv" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode(), newline="")))
    assert len(rows) == 31
    assert rows[-1] == {
        "id": str(odd.pk),
        "name": odd.name,
        "price": "0.10",
        "created": odd.created.isoformat(),
    }


def send(client, method, path, body):
    body = body if isinstance(body, bytes) else json.dumps(body)
    return client.generic(method, path, body, content_type="application/json")


def test_api_verbs(client, db):
    made = send(client, "POST", "/api/things/", {"name": "Lamp", "price": 1.5})
    assert made.status_code == 201
    path = f"/api/things/{made.json()['id']}/"
    assert client.get(path).json() == made.json() | {"price": "1.50"}
    changed = send(client, "PATCH", path, {"price": "2.25"}).json()
    assert (changed["name"], changed["price"]) == ("Lamp", "2.25")
    assert send(client, "PUT", path, {"name": "No price"}).status_code == 422
    replaced = send(client, "PUT", path, {"name": "Chair", "description": "x", "price": 3})
    assert (replaced.status_code, Thing.objects.get().name) == (200, "Chair")
    gone = client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert client.post(path).status_code == client.put("/api/things/").status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b" ", 400),
        (b"{", 400),
        (b"[1]", 400),
        (b"\xff", 400),
        (b'{"name": "\\ud800", "price": 1}', 400),
        (b"[" * 100_000, 400),
        ({"name": "", "price": 1}, 422),
        ({"name": "a", "price": "dear"}, 422),
        ({"name": "a", "price": -1}, 422),
        ({"name": "a\0b", "price": 1}, 422),
        (b'{"name": "a", "price": 1e999}', 422),
    ],
)
def test_api_refuses(client, db, body, status):
    response = send(client, "POST", "/api/things/", body)
    assert response.status_code == status
    assert set(response.json()) <= {"error", "errors"}
    assert not Thing.objects.exists()


def test_api_takes_json_alone(client, db):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/api/things/", {"name": "a", "price": 1}).status_code == 415
    assert send(strict, "POST", "/api/things/", {"name": "a", "price": 1}).status_code == 201


def test_api_pages(client, db):
    Thing.objects.bulk_create(Thing(name=f"Thing {number}") for number in range(101))
    first = client.get("/api/things/?q=thing").json()
    second = client.get(first["next"]).json()
    assert (first["count"], len(first["things"]), len(second["things"])) == (101, 100, 1)
    assert second["next"] is None
    assert client.get("/api/things/?page=3").status_code == 404
