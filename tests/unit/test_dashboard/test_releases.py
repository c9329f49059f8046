"""Releases on the page: the question before one is activated, what is done, and each refusal."""

import pytest

from queueproxy.broker.operate.releases import Releases

from .test_actions import logged, press
from .test_page import ROOT, page_of, text_of

ACTIVATE, ROLL_BACK = "release/activate/", "release/rollback/"


@pytest.fixture
def releases(scenario) -> Releases:
    """``old`` serves, ``new`` stands by."""
    scenario.release("old", 2)
    scenario.release("new", 3)
    return Releases(scenario.kit.link())


def active(releases) -> str | None:
    return releases.activation().active


def row_of(page: str, name: str) -> str:
    table = page.partition('data-key="releases"')[2]
    return table.partition(f'data-key="{name}"')[2].partition("</tr>")[0]


def question(client, name: str) -> str:
    """What a person reads who has pressed the button of a release."""
    return text_of(page_of(client, f"release/?to={name}").partition('<div class="qp">')[2])


def test_each_that_could_serve_has_a_button(releases, boss):
    page = page_of(boss)
    assert "button" not in row_of(page, "old")
    assert 'href="/admin/queueproxy/queue/release/?to=new"' in row_of(page, "new")
    assert "Activate new" in text_of(row_of(page, "new"))
    releases.activate("new", keep=60)
    assert "Roll back old" in text_of(row_of(page_of(boss), "old"))


def test_nobody_without_a_worker_has_one(releases, scenario, boss):
    releases.activate("newest", keep=60, force=True)
    releases.activate("old", keep=60)
    row = row_of(page_of(boss), "newest")
    assert "gone" in row
    assert "button" not in row


def test_the_question_says_what_will_happen(releases, boss):
    asked = question(boss, "new")
    assert "Serves now old 2 of 2 workers ready" in asked
    assert "Would serve new 3 of 3 workers ready" in asked
    assert "only workers of new take requests" in asked
    assert "queueproxy release rollback" in asked
    assert active(releases) == "old"  # it was only asked


def test_the_question_names_a_rollback(releases, boss):
    releases.activate("new", keep=60)
    page = page_of(boss, "release/?to=old")
    assert "Roll back to old?" in page
    assert f'action="{ROOT}{ROLL_BACK}"' in page
    assert 'name="instead_of" value="new"' in page


def test_before_the_first_activation_it_tells_who_serves(scenario, boss):
    scenario.kit.registration()
    scenario.release("new")
    assert "Serves now Workers whose release has no name Would serve new" in question(boss, "new")


def test_a_name_is_only_text(scenario, boss):
    name = "<b>&to=x#?/%2f+\u00fc"
    scenario.release("old")
    scenario.release(name)
    link = row_of(page_of(boss), "&lt;b&gt;&amp;to=x#?/%2f+\u00fc").partition('href="')[2]
    page = boss.get(link.partition('"')[0]).content.decode()
    assert "Activate &lt;b&gt;&amp;to=x#?/%2f+\u00fc?" in page
    assert press(boss, ACTIVATE, to=name, instead_of="old") == [
        f"Release {name} is active; old stands by."
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [("old", "Release old is active already."), ("gone", "No worker of gone is ready.")],
)
def test_the_question_is_not_asked_where_it_can_not_be(releases, boss, name, why):
    releases.activate("gone", keep=60, force=True)
    releases.activate("old", keep=60)
    page = page_of(boss, f"release/?to={name}")
    assert why in page
    assert "<form method" not in page.partition('<div class="qp">')[2]


@pytest.mark.parametrize("query", ["", "?to=nobody"])
def test_a_release_that_is_none(releases, boss, query):
    assert boss.get(f"{ROOT}release/{query}").status_code == 404


def test_activate_and_roll_back(releases, boss):
    told = press(boss, ACTIVATE, to="new", instead_of="old", keep="5")
    assert told == ["Release new is active; old stands by."] == logged()
    assert active(releases) == "new"
    told = press(boss, ROLL_BACK, to="old", instead_of="new")
    assert told == ["Rolled back. Release old is active; new stands by."] == logged()[:1]
    assert active(releases) == "old"


def test_for_how_long_the_workers_before_stay(releases, scenario, boss):
    kit = scenario.kit
    for keep, minutes in (("5", 5), ("", 10)):
        before = active(releases)
        wanted = {"old": "new", "new": "old"}[before]
        press(boss, ACTIVATE, to=wanted, instead_of=before, keep=keep)
        retires = int(kit.client.hget(kit.keys.named("release", before), "retires"))
        assert minutes * 60_000 - 20_000 < retires - kit.now_ms() <= minutes * 60_000


def test_instead_of_workers_that_simply_serve(scenario, boss):
    scenario.kit.registration()
    scenario.release("new")
    assert press(boss, ACTIVATE, to="new", instead_of="") == ["Release new is active."]


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        (ACTIVATE, {"to": "old", "instead_of": "old"}, "Release old is active already."),
        (ACTIVATE, {"to": "old", "instead_of": "new"}, "Release old is active already."),
        (
            ACTIVATE,
            {"to": "new", "instead_of": "older"},
            "Somebody has activated old meanwhile. Nothing was done.",
        ),
        (ACTIVATE, {"to": "new"}, "Somebody has activated old meanwhile. Nothing was done."),
        (
            ACTIVATE,
            {"to": "nobody", "instead_of": "old"},
            "No worker of nobody is ready. Nothing was done.",
        ),
        (ACTIVATE, {"to": "no name", "instead_of": "old"}, "There is no such release."),
        (ACTIVATE, {"instead_of": "old"}, "There is no such release."),
        (
            ACTIVATE,
            {"to": "new", "instead_of": "old", "keep": "-1"},
            "'-1' is not a number from 1 to 10080.",
        ),
        (
            ROLL_BACK,
            {"to": "new", "instead_of": "old"},
            "No release was active before: there is none to roll back to.",
        ),
    ],
)
def test_what_is_refused_changes_nothing(releases, scenario, boss, path, form, said):
    before = releases.activation()
    assert press(boss, path, **form) == [said]
    assert releases.activation() == before
    assert logged() == []


def test_a_rollback_to_what_was_before_meanwhile(releases, scenario, boss):
    scenario.release("third")
    releases.activate("new", keep=60)
    releases.activate("third", keep=60)
    told = press(boss, ROLL_BACK, to="old", instead_of="new")
    assert told == ["The release before is another meanwhile: new. Nothing was done."]
    told = press(boss, ROLL_BACK, to="new", instead_of="old")
    assert told == ["Somebody has activated third meanwhile. Nothing was done."]
    assert active(releases) == "third"
    assert logged() == []


def test_what_was_active_is_no_more(releases, scenario, boss):
    scenario.kit.registration()
    releases.activate("", keep=0)
    told = press(boss, ACTIVATE, to="new", instead_of="old")
    assert told == ["No release is active any more. Nothing was done."]


def test_the_question_with_the_broker_away(releases, boss, broker):
    broker.kill()
    try:
        assert boss.get(f"{ROOT}release/?to=new").status_code == 503
    finally:
        broker.start()


def test_two_that_serve_together_are_shown_and_who_fails_stands_out(releases, scenario, boss):
    codes = {"code:GET:200": 90, "code:GET:500": 10, "run:3": 100}
    scenario.kit.client.hset(scenario.kit.keys.named("stats", "@new"), mapping=codes)
    page = page_of(boss)
    assert '<span class="qp-alarm">10%</span>' in row_of(page, "new")
    assert "qp-alarm" not in row_of(page, "old")
