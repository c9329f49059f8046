"""The project's own tests with a browser, or what stands for one."""

import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.contrib.auth.models import User

from queueproxy.testing.live import LiveQueueTestCase


def get(live_queue, path):
    return httpx.get(f"{live_queue}{path}", timeout=60)


def test_the_worker_is_in_this_process_and_the_front_is_not(live_queue, settings):
    settings.OF_A_TEST = "overridden"
    about = get(live_queue, "/about/").json()
    assert (about["pid"], about["setting"]) == (os.getpid(), "overridden")
    assert about["thread"].startswith("executor-")
    assert about["id"]


def test_the_database_is_shared(live_queue):
    User.objects.create_user("anna")
    httpx.post(f"{live_queue}/users/", data={"name": "ben"}, timeout=60).raise_for_status()
    assert get(live_queue, "/users/").json() == ["anna", "ben"]
    assert User.objects.count() == 2


def test_it_was_emptied(live_queue):
    assert get(live_queue, "/users/").json() == []


def test_many_at_once(live_queue):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(live_queue, "/users/").status_code, range(40)))
    assert answers == [200] * 40


def test_a_view_is_patched(live_queue, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: "nobody's")
    assert get(live_queue, "/about/").json()["pid"] == "nobody's"


def test_static_and_media_files(live_queue, settings, tmp_path):
    (tmp_path / "a.txt").write_text("media")
    settings.MEDIA_ROOT = tmp_path
    assert get(live_queue, "/media/a.txt").text == "media"
    assert ".qp" in get(live_queue, "/static/queueproxy/dashboard.css").text
    assert get(live_queue, "/static/nothing.css").status_code == 404


def test_an_error_is_an_answer(live_queue):
    assert get(live_queue, "/fails/").status_code == 500


@pytest.mark.parametrize("time", range(3))
def test_the_projects_caches_stay_where_they_are(live_queue, settings, time):
    assert settings.CACHES["default"]["LOCATION"] == "redis://127.0.0.1:1/0"
    assert "REDIS_URL" not in os.environ
    assert os.environ["QUEUEPROXY_BROKER_URL"] == live_queue.broker_url


class Case(LiveQueueTestCase):
    server = "uvicorn"

    def test_the_site_is_there(self):
        User.objects.create_user("anna")
        assert get(self.live_queue_url, "/users/").json() == ["anna"]

    def test_it_was_emptied(self):
        assert get(self.live_queue_url, "/users/").json() == []
