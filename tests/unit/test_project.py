"""The example site's own logic, served plainly: its pages."""

import io
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from PIL import Image

from project.things import forms
from project.things.models import Thing

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """Uploads of a test go away with it."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def things(db):
    """Thirty lamps and one chair whose description speaks of a lamp."""
    lamps = [Thing(name=f"Lamp {number:02}", price=number) for number in range(30)]
    chair = Thing(name="Chair", description="Stands beside the lamp.", price=5)
    return Thing.objects.bulk_create([*lamps, chair])


@pytest.fixture
def demo(client, db):
    """A client that is logged in."""
    client.force_login(get_user_model().objects.create_user("demo", password="demo"))
    return client


def names(response) -> list[str]:
    return [thing.name for thing in response.context["object_list"]]


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def png(width=4, height=3) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


# List, search, pages


def test_pages_hold_every_thing_once(client, things):
    pages = [names(client.get(f"/?page={number}")) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [12, 12, 7]
    assert sorted(name for page in pages for name in page) == sorted(thing.name for thing in things)


@pytest.mark.parametrize("page", ["0", "4", "-1", "x", "9" * 40])
def test_no_such_page(client, things, page):
    assert client.get(f"/?page={page}").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lamp 07", ["Lamp 07"]),
        ("07 LAMP", ["Lamp 07"]),
        ("beside lamp", ["Chair"]),
        ("\0chair\0", ["Chair"]),
        ("lamp chair 07", []),
        ("chair " * 2000, ["Chair"]),
        ("%", []),
    ],
)
def test_search(client, things, query, found):
    assert names(client.get("/", {"q": query})) == found


def test_next_page_keeps_the_search(client, things):
    page = client.get("/", {"q": "lamp"}).content.decode()
    assert 'href="?q=lamp&amp;page=2"' in page


def test_search_is_escaped(client, things):
    page = client.get("/", {"q": "<script>"}).content.decode()
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("pk", ["0", "9" * 30])
def test_no_such_thing(client, db, pk):
    response = client.get(f"/things/{pk}/")
    assert response.status_code == 404
    assert "404.html" in [template.name for template in response.templates]


# Forms


def test_form_needs_a_login(client, things):
    assert client.get("/things/new/").url == "/login/?next=/things/new/"
    assert client.post(f"/things/{things[0].pk}/edit/", {}).status_code == 302
    assert not Thing.objects.filter(name="").exists()


def test_form_needs_a_csrf_token(db):
    strict = Client(enforce_csrf_checks=True)
    form = {"username": "demo", "password": "demo"}
    assert strict.post("/login/", form).status_code == 403
    get_user_model().objects.create_user("demo", password="demo")
    strict.get("/login/")
    token = strict.cookies["csrftoken"].value
    assert strict.post("/login/", form | {"csrfmiddlewaretoken": token}).url == "/"


def test_create_with_image(demo, media):
    image = SimpleUploadedFile("new lamp.png", png())
    form = {"name": "New", "description": "Bright", "price": "1.50", "image": image}
    response = demo.post("/things/new/", form)
    thing = Thing.objects.get()
    assert response.url == thing.get_absolute_url()
    assert said(response) == ["“New” was added."]
    assert thing.price == Decimal("1.50")
    assert (media / thing.image.name).read_bytes() == png()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"price": "-0.01"}, "price"),
        ({"price": "1.001"}, "price"),
        ({"price": "1000000"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"image": SimpleUploadedFile("page.png", b"<html>")}, "image"),
        ({"image": SimpleUploadedFile("page.html", png())}, "image"),
    ],
)
def test_form_refuses(demo, change, field):
    response = demo.post("/things/new/", {"name": "New", "price": "1"} | change)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert not Thing.objects.exists()


def test_image_size_limit(demo, monkeypatch):
    def post(limit):
        monkeypatch.setattr(forms, "MAX_IMAGE", limit)
        image = SimpleUploadedFile("a.png", png())
        return demo.post("/things/new/", {"name": "New", "price": 1, "image": image})

    assert "image" in post(len(png()) - 1).context["form"].errors
    assert post(len(png())).status_code == 302


def test_edit_survives_a_lost_image(demo, db, media):
    thing = Thing(name="Old")
    thing.image.save("old.png", ContentFile(png()))
    (media / thing.image.name).unlink()
    response = demo.post(f"/things/{thing.pk}/edit/", {"name": "Kept", "price": 1})
    assert said(response) == ["“Kept” was changed."]
    assert Thing.objects.get().name == "Kept"


# Favourites


def test_favourites_in_order_of_marking(client, things):
    for number in (3, 1, 2, 1):
        client.post(f"/things/{things[number].pk}/favourite/")
    shown = client.get("/favourites/").context["things"]
    assert [thing.name for thing in shown] == ["Lamp 03", "Lamp 02"]
    assert "★" in client.get("/").content.decode()
    things[3].delete()
    assert len(client.get("/favourites/").context["things"]) == 1
    assert Client().get("/favourites/").context["things"] == []


def test_favourite_is_posted_only(client, things):
    assert client.get(f"/things/{things[0].pk}/favourite/").status_code == 405
    assert client.post("/things/0/favourite/").status_code == 404


@pytest.mark.parametrize(
    ("back", "goes_to"), [("/favourites/", "/favourites/"), ("//evil.example/", None)]
)
def test_favourite_goes_back_to_this_site_only(client, things, back, goes_to):
    detail = things[0].get_absolute_url()
    assert client.post(f"{detail}favourite/", {"next": back}).url == (goes_to or detail)


# The rest


@pytest.mark.parametrize("seconds", ["x", "", "-1", "nan", "inf", "120.1"])
def test_slow_wants_a_bounded_number(client, db, seconds):
    response = client.get("/slow/", {"seconds": seconds})
    assert response.status_code == 400
    assert "from 0 to 120" in response.content.decode()


def test_request_as_the_view_saw_it(client, db):
    response = client.post(
        "/request/?format=json&x=%C3%A9",
        b"12345",
        content_type="text/plain",
        headers={"X-Shown": "yes"},
    )
    seen = response.json()
    assert (seen["method"], seen["path"], seen["body_bytes"]) == ("POST", "/request/", 5)
    assert (seen["headers"]["X-Shown"], seen["process"]) == ("yes", os.getpid())
    assert seen["full_path"] == "/request/?format=json&x=%C3%A9"
    assert "X-Shown" in client.get("/request/", headers={"X-Shown": "yes"}).content.decode()


def test_async_view(client, things):
    assert client.get("/async/").json() == {"async": True, "path": "/async/", "things": 31}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/nowhere/", 404), ("/error/", 500), ("/static/things/site.css", 200)],
)
def test_every_response_names_its_worker(db, path, status):
    response = Client(raise_request_exception=False).get(path)
    response.close()
    assert (response.status_code, response["X-Worker-Pid"]) == (status, str(os.getpid()))


def test_a_failed_page_names_its_request_as_the_log_does(db, caplog):
    client = Client(raise_request_exception=False)
    page = client.get("/error/", headers={"X-Request-ID": "id-of-the-request"})
    assert page.status_code == 500
    assert "<code>id-of-the-request</code>" in page.content.decode()
    assert "request id-of-the-request" in caplog.text
    assert "<code>" not in client.get("/error/").content.decode()


def test_a_missing_page_names_its_path(client, db):
    page = client.get("/no<where>/").content.decode()
    assert "<code>/no&lt;where&gt;/</code>" in page


def test_the_first_page_says_what_to_try_and_prices_have_a_currency(client, things):
    first = client.get("/").content.decode()
    assert "manage.py queueproxy pause" in first
    assert "€5.00" in first
    for other in ("/?page=2", "/?q=lamp"):
        assert "manage.py queueproxy pause" not in client.get(other).content.decode()


def test_pages_need_no_inline_style_or_script(demo, things):
    detail = f"/things/{things[0].pk}/"
    for path in ("/", "/live/", "/things/new/", "/request/", "/slow/?seconds=0", detail):
        page = demo.get(path).content.decode()
        assert not any(word in page for word in ("<script>", "<style", " style=", " onclick="))


def test_sampledata_may_run_again(db, media):
    for _ in range(2):
        call_command("sampledata", stdout=io.StringIO())
    assert Thing.objects.exclude(image="").count() == 60
    assert len(list((media / "things").iterdir())) == 60
    assert Client().login(username="demo", password="demo")
    assert get_user_model().objects.get(username="admin").is_superuser


def test_front_loads_no_project_code(tmp_path):
    code = (
        "import sys, project.asgi\n"
        "from django.db import connection\n"
        "assert connection.connection is None\n"
        "late = 'urls', 'views', 'api', 'demonstrations'\n"
        "loaded = [m for m in sys.modules if m[:8] == 'project.' and m.endswith(late)]\n"
        "assert not loaded, loaded\n"
    )
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "QUEUEPROXY_VAR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | away, check=True)


def test_workers_import_no_server_and_their_supervisor_nothing_of_views():
    """What only a front needs (Twisted, say) is a third of a process's start and of its memory."""
    code = (
        "import sys, django\n"
        "django.setup()\n"
        "import queueproxy.management.commands.runqueueworker\n"
        "views = {'queueproxy.worker.process', 'django.test.client'} & {*sys.modules}\n"
        "assert not views, views  # a supervisor runs none\n"
        "import queueproxy.cli.worker_process\n"
        "servers = {'twisted', 'autobahn', 'daphne', 'uvicorn'} & {*sys.modules}\n"
        "assert not servers, servers\n"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "project.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, check=True)
