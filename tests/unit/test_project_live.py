"""The example site's live page and its upload form, served plainly."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncRequestFactory, RequestFactory
from django.utils import timezone

from project.things import live
from project.things.models import Thing

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ann", password="ann")


def add(name: str, *, seconds_ago: float = 60, by=None) -> Thing:
    thing = Thing.objects.create(name=name, added_by=by)
    when = timezone.now() - timedelta(seconds=seconds_ago)
    Thing.objects.filter(pk=thing.pk).update(created=when)
    return thing


def told(client, after="", **headers) -> tuple[list[str], list[dict]]:
    """Ids and contents of the events of one stream."""
    response = client.get("/live/events/", {"after": after}, headers=headers)
    assert response["Content-Type"] == "text/event-stream"
    first, *events = b"".join(response).decode().removesuffix("\n\n").split("\n\n")
    assert first == f"retry: {live.RETRY}"
    lines = [dict(line.split(": ", 1) for line in event.split("\n")) for event in events]
    return [event["id"] for event in lines], [json.loads(event["data"]) for event in lines]


def test_each_thing_is_told_once_in_order(client, user):
    one, two = add("One", by=user), add('"Two"\n€')
    ids, told_of = told(client)
    assert ids == [str(one.pk), str(two.pk)]
    assert [thing["name"] for thing in told_of] == ["One", '"Two"\n€']
    assert [thing["by"] for thing in told_of] == ["ann", ""]
    assert told_of[0]["url"] == one.get_absolute_url()
    assert told(client, after=one.pk)[0] == [str(two.pk)]
    assert told(client, after=two.pk) == ([], [])


def test_the_last_event_seen_counts_for_more_than_the_address(client, db):
    things = [add(str(number)) for number in range(3)]
    assert told(client, after=0, last_event_id=str(things[1].pk))[0] == [str(things[2].pk)]


def test_many_come_in_several_streams(client, db, monkeypatch):
    monkeypatch.setattr(live, "MOST", 2)
    things = [str(add(str(number)).pk) for number in range(5)]
    seen = []
    while ids := told(client, last_event_id=seen[-1] if seen else "")[0]:
        seen += ids
    assert seen == things


def test_a_thing_waits_until_none_can_come_before_it(client, db):
    """One that was added first may come to light second."""
    fresh = add("Fresh", seconds_ago=-60)  # by a clock ahead
    assert told(client) == ([], [])
    assert client.get("/live/").context["last"] == 0
    Thing.objects.update(created=timezone.now() - timedelta(seconds=1))
    assert told(client)[0] == [str(fresh.pk)]


@pytest.mark.parametrize("seen", ["x", "-1", "", "²", "9" * 19, "1 OR 1"])
def test_an_id_that_is_none(client, db, seen):
    thing = add("One")
    assert told(client, after=seen, last_event_id=seen)[0] == [str(thing.pk)]


@pytest.mark.parametrize(
    ("factory", "stay"), [(RequestFactory, 0), (AsyncRequestFactory, live.STAY)]
)
async def test_it_stays_where_that_holds_no_thread(monkeypatch, factory, stay):
    asked = []

    async def stream(last, seconds):
        asked.append((last, seconds))
        yield ""

    monkeypatch.setattr(live, "_stream", stream)
    await live.events(factory().get("/live/events/?after=7"))
    assert asked == []  # nothing is asked of the database before it is read
    async for _ in await live.events(factory().get("/live/events/?after=7")):
        pass
    assert asked == [(7, stay)]


def test_the_page_goes_on_where_it_ends(client, user):
    things = [add(f"Thing <{number}>", by=user) for number in range(12)]
    response = client.get("/live/")
    assert [thing.pk for thing in response.context["things"]] == [
        thing.pk for thing in reversed(things[2:])
    ]
    page = response.content.decode()
    assert f'data-last="{things[-1].pk}"' in page
    assert "Thing &lt;11&gt;" in page
    assert "<b>ann</b>" in page


def test_who_adds_is_kept(client, user):
    client.force_login(user)
    client.post("/things/new/", {"name": "Mine", "price": 1})
    assert Thing.objects.get().added_by == user
    user.delete()
    assert Thing.objects.get().added_by is None


def test_so_in_the_admin(admin_client, admin_user):
    form = {"name": "Theirs", "price": 1}
    assert admin_client.post("/admin/things/thing/add/", form).status_code == 302
    thing = Thing.objects.get()
    assert thing.added_by == admin_user
    Thing.objects.update(added_by=None)
    admin_client.post(f"/admin/things/thing/{thing.pk}/change/", form)
    assert Thing.objects.get().added_by is None


SCRIPT = {"Accept": "application/json, text/html;q=0.9"}


def test_a_script_is_told_where_to_go(client, user):
    client.force_login(user)
    response = client.post("/things/new/", {"name": "New", "price": 1}, headers=SCRIPT)
    thing = Thing.objects.get()
    assert (response.status_code, response.json()) == (200, {"url": thing.get_absolute_url()})
    assert "“New” was added." in client.get(thing.get_absolute_url()).content.decode()


def test_a_script_is_told_what_is_wrong(client, user):
    client.force_login(user)
    file = SimpleUploadedFile("a.png", b"no picture")
    form = {"name": "", "price": 1, "image": file}
    response = client.post("/things/new/", form, headers=SCRIPT)
    assert response["Content-Type"].startswith("text/html")
    assert set(response.context["form"].errors) == {"name", "image"}


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""])
def test_a_browser_is_redirected(client, user, accept):
    client.force_login(user)
    form = {"name": "New", "price": 1}
    assert client.post("/things/new/", form, headers={"Accept": accept}).status_code == 302
