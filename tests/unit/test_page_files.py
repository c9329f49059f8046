"""The project's own pages: what they may contain, and what is refused as the front starts."""

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest
from django.test import override_settings

from queueproxy import conf
from queueproxy.front.http import refusals
from queueproxy.front.http.page_files import LARGEST, UnusablePage, page_of, read_pages
from queueproxy.front.http.pages import BUILT_IN, PLACEHOLDERS
from queueproxy.front_problems import problems_of_front

OWN = "<!doctype html><html lang=de><title>Moment</title><p>Kennung: $request_id</p></html>"


def test_none_are_those_that_are_built_in():
    assert read_pages(None).page_for(503) is BUILT_IN


def test_one_for_a_status_and_one_for_all_others(tmp_path):
    (tmp_path / "503.html").write_text("503: $request_id")
    (tmp_path / "error.html").write_text("other: $status")
    (tmp_path / "README").write_text("$not a page")
    pages = read_pages(str(tmp_path))
    assert rendered(pages.page_for(503)) == "503: an-id"
    assert rendered(pages.page_for(502)) == "other: 503"


def test_the_others_are_built_in_where_there_is_none(tmp_path):
    (tmp_path / "503.html").write_text(OWN)
    assert read_pages(tmp_path).page_for(502) is BUILT_IN


def rendered(page, refusal=refusals.QUEUE_FULL, method="GET") -> str:
    return page.rendered(refusal, "an-id", method, repeatable=False).decode()


def test_every_placeholder_is_filled_in():
    text = "\n".join(f"{name}={'${'}{name}{'}'}" for name in PLACEHOLDERS)
    told = dict(line.split("=", 1) for line in rendered(page_of(text)).splitlines())
    assert told.pop("button").startswith('<p><a class="button"')
    assert told["again"].startswith("Nothing is lost.")
    assert told == {
        "status": "503",
        "phrase": "Service Unavailable",
        "title": "Please wait a moment",
        "happened": told["happened"],
        "again": told["again"],
        "again_code": "by-itself",
        "detail": refusals.QUEUE_FULL.detail,
        "request_id": "an-id",
    }


@pytest.mark.parametrize(
    ("refusal", "method", "code"),
    [
        (refusals.QUEUE_FULL, "GET", "by-itself"),
        (refusals.WITHDRAWN, "GET", "try"),
        (refusals.QUEUE_FULL, "POST", "resend"),
        (refusals.NOT_COMMITTED, "POST", "resend"),
        (refusals.WORKER_LOST, "POST", "unknown"),
        (refusals.ANSWER_DROPPED, "POST", "executed"),
        (refusals.BODY_TOO_LARGE, "POST", "no-use"),
    ],
)
def test_a_page_in_another_language_can_tell_what_is_known(refusal, method, code):
    assert rendered(page_of('<body class="$again_code">'), refusal, method) == (
        f'<body class="{code}">'
    )


def test_its_styles_are_allowed_as_a_browser_sees_them(tmp_path):
    (tmp_path / "error.html").write_bytes(
        b"\xef\xbb\xbf<style>a{\r\ncontent:'$$'}</style><p>$again<style media=print>b{}</style>"
    )
    page = read_pages(tmp_path).page_for(503)
    assert rendered(page).startswith("<style>a{\ncontent:'$'}</style><p>Nothing is lost.")
    for style in ("a{\ncontent:'$'}", "b{}"):
        digest = hashlib.sha256(style.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in page.policy


def test_one_without_a_style():
    assert "style-src 'none';" in page_of("<p>$again").policy


def test_an_image_that_it_contains():
    for text in (
        "<style>p{background:url(data:image/gif;base64,AA)}</style>",
        "<style>p{background:url( 'data:image/gif;base64,AA')}</style>",
        "<svg><use href='#a' /></svg>",
        "<a href=/help/>help</a>",
    ):
        page_of(text)
    assert "img-src data:;" in page_of('<img alt="" src="data:image/gif;base64,AA">').policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p>\n\n$requst_id", "line 3: $requst_id is no placeholder. Did you mean 'request_id'?"),
        ("$zzz", "line 1: $zzz is no placeholder. Known: status, phrase,"),
        ("${zzz}", "line 1: $zzz is no placeholder."),
        ("It costs\n5 $", "line 2: a $ that stands for itself is written $$"),
        ("$Status", "line 1: $Status is no placeholder. Did you mean 'status'?"),
        ("<style>a{color:$title}</style>", "line 1: a style has no placeholders"),
        ("\n<script>1</script>", "line 2: <script> has no effect"),
        ("<form method=post></form>", "line 1: <form> has no effect"),
        ("<p style='color:red'>", "line 1: the attribute style has no effect"),
        ("<body onload=alert()>", "line 1: the attribute onload has no effect"),
        ("<img src=/logo.png>", "line 1: '/logo.png' is not loaded"),
        ("<link rel=stylesheet href=https://cdn/a.css>", "'https://cdn/a.css' is not loaded"),
        ("<video poster=/x.png>", "line 1: '/x.png' is not loaded"),
        ("<svg><use href=/x.svg#a /></svg>", "line 1: '/x.svg#a' is not loaded"),
        ("<a href=' JavaScript:x()'>a</a>", "line 1: ' JavaScript:x()' has no effect"),
        ("<style>@import '/a.css';</style>", "line 1: a style loads nothing"),
        ("<style>p{background:url(/x.png)}</style>", "line 1: a style loads nothing"),
        ("<style>p{background:url( '/x.png')}</style>", "line 1: a style loads nothing"),
        ('<p title="$button">', "line 1: $button is an element, and stands in no attribute"),
        ('<p title="${button}">', "line 1: $button is an element"),
        ("<meta http-equiv=Refresh content=1>", "line 1: the front itself says when a page is"),
    ],
)
def test_what_could_not_work_is_refused(tmp_path, text, said):
    (tmp_path / "error.html").write_text(text)
    refused = refusal_of(tmp_path)
    assert refused.startswith(f"{tmp_path}/error.html, line ")
    assert said in refused
    assert "\n" not in refused


def refusal_of(directory) -> str:
    with pytest.raises(UnusablePage) as refused:
        read_pages(directory)
    return str(refused.value)


def test_a_directory_that_is_none(tmp_path):
    assert refusal_of(tmp_path / "no") == f"{tmp_path}/no can't be read: No such file or directory."
    (tmp_path / "file").touch()
    assert refusal_of(tmp_path / "file").endswith("can't be read: Not a directory.")


def test_a_directory_without_a_page(tmp_path):
    assert refusal_of(tmp_path).endswith("has no page, such as error.html or 503.html.")


@pytest.mark.parametrize("name", ["50x.html", "503.htm", "index.html", "414.html", "200.html"])
def test_a_file_that_would_never_be_used(tmp_path, name):
    (tmp_path / name).write_text(OWN)
    assert refusal_of(tmp_path).startswith(f"{tmp_path}/{name} is not a page of the front; these")


def test_a_file_that_can_not_be_read(tmp_path):
    (tmp_path / "error.html").symlink_to("/proc/self/mem")  # by anybody, not even by root
    assert refusal_of(tmp_path) == f"{tmp_path}/error.html can't be read: Input/output error."


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "503.html")
    assert refusal_of(tmp_path) == f"{tmp_path}/503.html is not a file."


def test_what_leads_nowhere(tmp_path):
    (tmp_path / "503.html").symlink_to("nowhere")
    assert refusal_of(tmp_path) == f"{tmp_path}/503.html is not a file."


def test_a_file_that_is_too_large(tmp_path):
    (tmp_path / "error.html").write_text("x" * LARGEST)
    read_pages(tmp_path)
    (tmp_path / "error.html").write_text("x" * (LARGEST + 1))
    assert refusal_of(tmp_path) == f"{tmp_path}/error.html has more than 65536 bytes."


def test_a_file_that_is_no_utf_8(tmp_path):
    (tmp_path / "error.html").write_bytes("Überlastet".encode("latin-1"))
    assert refusal_of(tmp_path) == f"{tmp_path}/error.html is not UTF-8."


def test_the_front_is_told_before_it_starts(tmp_path):
    with override_settings(QUEUEPROXY={"ERROR_PAGES": str(tmp_path)}):
        (problem,) = problems_of_front()
    assert problem.code == "E020"
    assert problem.message.startswith(f"QUEUEPROXY['ERROR_PAGES']: {tmp_path} has no page")
    with override_settings(QUEUEPROXY={"ERROR_PAGES": None}):
        assert list(problems_of_front()) == []


@pytest.mark.parametrize("value", ["pages", "", 3, ["/pages"]])
def test_a_setting_that_names_no_directory(value):
    (problem,) = conf.problems_of({"ERROR_PAGES": value})
    assert problem.code == "E003"
    assert "the absolute path of a directory" in problem.hint


def test_the_examples_of_the_documentation_are_pages():
    text = (Path(conf.__file__).parents[1] / "docs/behaviour.md").read_text()
    examples = re.findall(r"^```html\n(.*?)^```", text, re.M | re.S)
    assert len(examples) == 2
    for example in examples:
        page_of(example)
