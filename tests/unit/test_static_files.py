"""Static files: served in development by the front, and what check --deploy says otherwise."""

import asyncio

import pytest
from django.test import override_settings

from queueproxy.development.static_files import StaticFiles, with_static_files
from queueproxy.static_files_problems import problems_of_static_files

WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
PLAIN = {"DEBUG": True, "MIDDLEWARE": [], "STATIC_URL": "static/"}
MANIFEST = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"queued"})


async def get(path: str) -> tuple[int, bytes]:
    """Status and body from the application, wrapped where settings say so."""
    sent = []
    messages = iter([{"type": "http.request", "body": b""}])

    async def receive() -> dict:
        return next(messages, None) or await asyncio.Future()

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode()},
        **{"query_string": b"", "headers": [(b"host", b"testserver")], "http_version": "1.1"},
    }
    await with_static_files(app)(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.filterwarnings("error")
@override_settings(**PLAIN)
async def test_they_are_served_and_all_else_is_passed_on():
    status, body = await get("/static/admin/css/base.css")
    assert (status, b"DJANGO Admin" in body) == (200, True)
    assert await get("/admin/") == (299, b"queued")


@override_settings(**PLAIN, ROOT_URLCONF="no.such.module")
async def test_a_file_that_is_not_there_needs_no_urlconf():
    status, body = await get("/static/nothing.css")
    assert (status, body) == (404, b"'nothing.css' could not be found\n")


@pytest.mark.parametrize(
    "settings",
    [
        {"DEBUG": False},
        {"MIDDLEWARE": [WHITENOISE]},
        {"STATIC_URL": "https://files.example/static/"},
        {"STATIC_URL": None},
        {"INSTALLED_APPS": ["queueproxy"]},
    ],
    ids=str,
)
def test_nothing_is_done_where_runserver_would_not(settings):
    with override_settings(**PLAIN | settings):
        assert not isinstance(with_static_files(app), StaticFiles)


# With DEBUG off.


def problems(**settings) -> list[tuple[str, str]]:
    plain = {"MIDDLEWARE": [], "STATIC_URL": "static/", "WHITENOISE_USE_FINDERS": False}
    with override_settings(**plain | settings):
        return [(each.message, each.hint) for each in problems_of_static_files()]


def test_no_static_root():
    ((message, hint),) = problems(STATIC_ROOT=None)
    assert "STATIC_ROOT is not set" in message
    assert "pip install whitenoise" in hint
    assert "from STATIC_ROOT" in hint


def test_with_whitenoise_it_is_not_proposed():
    ((_, hint),) = problems(STATIC_ROOT=None, MIDDLEWARE=[WHITENOISE])
    assert "pip install" not in hint
    assert "collectstatic" in hint


@pytest.mark.parametrize("made", [True, False])
def test_not_collected(tmp_path, made):
    root = tmp_path / "static"
    if made:
        root.mkdir()
    ((message, hint),) = problems(STATIC_ROOT=root)
    assert "is empty or not there" in message
    assert "manage.py collectstatic" in hint


def test_no_manifest(tmp_path):
    (tmp_path / "a.css").write_text("")
    settings = {"STATIC_ROOT": tmp_path, "STORAGES": MANIFEST}
    ((message, _),) = problems(**settings)
    assert "has no manifest" in message
    (tmp_path / "staticfiles.json").write_text('{"version": "1.1", "paths": {}, "hash": ""}')
    assert problems(**settings) == []


def test_collected(tmp_path):
    (tmp_path / "a.css").write_text("")
    assert problems(STATIC_ROOT=tmp_path) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"STATIC_URL": "https://files.example/"},
        {"INSTALLED_APPS": ["queueproxy"]},
        {"WHITENOISE_USE_FINDERS": True, "MIDDLEWARE": [WHITENOISE]},
    ],
    ids=str,
)
def test_served_otherwise(settings):
    assert problems(STATIC_ROOT=None, **settings) == []
