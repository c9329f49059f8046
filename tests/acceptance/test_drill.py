"""The drill, a short one: the users wait for both upgrades, and two bad releases are got over."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drill.record import Outcome, Record, Rollback, Window
from drill.table import figures, markdown
from drill.verdict import judge

from ..kit.missing import Missing
from ..kit.postgres import programs

ROOT = Path(__file__).parents[2]
MIGRATION = 3.0  # seconds
SHORT = ("--calm", "1", "--users", "30", "--migration", str(MIGRATION))
ACTS = ["stop, migrate, start", "hold, migrate", "a release fails", "one doesn't boot"]
LAST_FAILED_PAGE = 10.0  # seconds from a rollback on, on a busy machine


@pytest.mark.postgres
def test_users_notice_two_upgrades_only_by_waiting(tmp_path):
    if programs() is None:
        raise Missing("postgresql")
    facts = _facts(tmp_path, "--alone")
    _is_clean(facts)
    for window in facts["windows"][:2]:
        assert window["ended"] - window["began"] > MIGRATION
        assert _most_waiting(facts["seconds"], window) > 20
    assert facts["plain"] is None


def test_what_plain_gunicorn_makes_of_it(tmp_path):
    facts = _facts(tmp_path, "--sqlite")
    _is_clean(facts)
    failed = [act["failed"] for act in facts["plain"]["acts"]]
    stopped, _, fails, does_not_boot = failed
    assert min(stopped, fails, does_not_boot) > 20
    assert {release for s in facts["plain"]["seconds"] for release in s["answers"]} == set("123")


def _is_clean(facts: dict) -> None:
    assert facts["requests"] > 100
    assert (facts["errors"], facts["duplicates"], facts["lost"]) == (0, 0, 0)
    assert facts["longest_wait"] > MIGRATION
    assert {release for second in facts["seconds"] for release in second["answers"]} == set("123")
    titles = [window["title"] for window in facts["windows"]]
    assert titles == ACTS
    assert facts["failed"] > 20
    assert [act["failed"] for act in facts["acts"]] == [0, 0, facts["failed"], 0]
    assert 0 < facts["rollback_seconds"] < LAST_FAILED_PAGE


def _facts(out: Path, *words: str) -> dict:
    """What a drill has written down; it has drawn a picture, too."""
    status, told = _drill(*SHORT, *words, "--out", str(out))
    assert status == 0, told
    assert "release 5: Its supervisor ended at once.\n" in told
    assert "No module named 'a_library_that_nobody_has_installed'" in told
    assert (out / "drill.png").read_bytes().startswith(b"\x89PNG")
    return json.loads((out / "drill.json").read_text())


def _drill(*words: str) -> tuple[int, str]:
    """The exit status of a drill, and what it told."""
    drill = subprocess.Popen(
        [sys.executable, "-m", "drill", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told, _ = drill.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        drill.terminate()  # it ends all that it started
        told, _ = drill.communicate()
    return drill.returncode, told


def _most_waiting(seconds: list[dict], window: dict) -> int:
    within = [s["waiting"] for s in seconds if window["began"] < s["at"] < window["ended"]]
    return max(within, default=0)


def _sent(nonce: str, method: str = "GET", error: str = "") -> Outcome:
    return Outcome(nonce, method, sent=1.0, ended=3.5, release=1, error=error)


def test_a_clean_verdict():
    verdict = judge([_sent("a"), _sent("b", "POST")], ran=["a", "b"], ordered=["b"])
    assert verdict.clean
    assert (verdict.requests, verdict.longest_wait) == (2, 2.5)


@pytest.mark.parametrize(
    ("outcome", "ran", "ordered", "found"),
    [
        (_sent("a"), [], [], {"lost": 1}),
        (_sent("a", "POST"), ["a"], [], {"lost": 1}),
        (_sent("a"), ["a", "a"], [], {"duplicates": 1}),
        (_sent("a", "POST"), ["a"], ["a", "a"], {"duplicates": 1}),
        (_sent("a", error="503"), ["a"], [], {"errors": 1}),
    ],
)
def test_the_verdict_finds(outcome, ran, ordered, found):
    verdict = judge([outcome], ran, ordered)
    assert not verdict.clean
    figures = {name: getattr(verdict, name) for name in ("errors", "lost", "duplicates")}
    assert {name: n for name, n in figures.items() if n} == found


def test_nobody_was_there():
    assert not judge([], [], []).clean


def test_figures_by_act():
    record = Record()
    record.windows += [Window("one", 1.0, 2.0), Window("two", 5.0, 6.0)]
    for ended, failed, error in ((0.5, False, "x"), (1.5, False, ""), (4.0, True, ""), (9, 0, "x")):
        record.add(Outcome("n", "GET", ended - 0.25, ended, 1, error, bool(failed)))
    assert [(act.title, act.failed, act.longest_wait) for act in figures(record)] == [
        ("one", 1, 0.25),
        ("two", 1, 0.25),
    ]
    assert markdown(record, None).splitlines() == [
        "| failed, longest wait | 1. one | 2. two |",
        "| --- | --- | --- |",
        "| behind the queue | 1, 0.2 s | 1, 0.2 s |",
    ]


def test_how_long_pages_fail_after_a_rollback():
    record = Record()
    assert record.rollback_seconds is None
    record.rollback = Rollback(asked=10.0, done=10.5)
    for ended in (9.5, 10.75, 10.25):
        record.add(Outcome("n", "GET", ended - 0.1, ended, 4, failed=True))
    record.add(Outcome("n", "GET", 11, 12, 3))
    assert record.rollback_seconds == 0.75
