"""Who may see and do what: permissions kept apart, and enforced by the server."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from .conftest import PERMISSIONS

ROOT = "/admin/queueproxy/queue/"
PAGES = {
    **dict.fromkeys(("", "data/", "routes/", "routes/?route=/a/"), "view_dashboard"),
    **dict.fromkeys(("request/", "waiting/", "export/waiting.csv"), "view_dashboard"),
    "waiting/withdraw/": "control_queue",
    **dict.fromkeys(("dead/", "dead/discard/", "dead/replay/"), "manage_dead_letters"),
    **dict.fromkeys(("dead/1-1/", "export/letters.json"), "manage_dead_letters"),
    "release/": "manage_releases",
}
ACTIONS = {
    "pause/": "control_queue",
    "resume/": "control_queue",
    "withdraw/": "control_queue",
    "dead/1-1/replay/": "manage_dead_letters",
    "dead/1-1/discard/": "manage_dead_letters",
    "release/activate/": "manage_releases",
    "release/rollback/": "manage_releases",
}
ALL = {**PAGES, **ACTIONS}


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_gets_the_login_page(scenario, db, path, method):
    answer = getattr(Client(), method)(ROOT + path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


def test_who_is_not_staff_gets_the_login_page(scenario, db):
    client = Client()
    client.force_login(User.objects.create_user("demo"))
    for path in ALL:
        assert client.post(ROOT + path).headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_permission_it_is_forbidden(scenario, staff, path, method):
    """Every other permission does not help."""
    client = staff(*(name for name in PERMISSIONS if name != ALL[path]))
    assert getattr(client, method)(ROOT + path).status_code == 403
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("path", ["", "data/", "routes/", "routes/?route=/a/"])
def test_one_permission_is_enough_to_look(scenario, staff, path):
    assert staff("view_dashboard").get(ROOT + path).status_code == 200


@pytest.mark.parametrize("path", ACTIONS)
def test_one_permission_is_enough_to_act(scenario, staff, path):
    assert staff(ACTIONS[path]).post(ROOT + path).status_code == 302


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_only_post_acts(scenario, boss, path, method):
    answer = getattr(boss, method)(ROOT + path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("path", ACTIONS)
def test_without_the_token_nothing_is_done(scenario, staff, path):
    client = staff(*PERMISSIONS, enforce_csrf_checks=True)
    assert client.post(ROOT + path).status_code == 403
    assert not LogEntry.objects.exists()
    assert not scenario.kit.control().paused(["default"])


def test_the_page_shows_only_what_one_may_do(scenario, staff):
    scenario.kill_one("a")
    scenario.put("b")
    scenario.release("old")
    scenario.release("new")
    client = staff("view_dashboard")
    page = client.get(ROOT).content.decode()
    page = re.sub(r'<form class="qp-find".*?</form>', "", page, flags=re.DOTALL)  # it only looks
    assert "/b" in page
    for hidden in ("<button class", "Pause all", "Withdraw", "Discard", "qp-letters", "Activate"):
        assert hidden not in page.partition('id="qp"')[2], hidden
    parts = client.get(ROOT + "data/").json()["parts"]
    assert "<button" not in "".join(parts.values())
    assert "qp-letters" not in parts["tables"]


def test_the_entry_in_the_list_of_apps(scenario, staff):
    assert f'href="{ROOT}"' in staff("view_dashboard").get("/admin/").content.decode()


def test_no_entry_without_the_permission(scenario, staff):
    assert ROOT not in staff(*PERMISSIONS[1:]).get("/admin/").content.decode()
