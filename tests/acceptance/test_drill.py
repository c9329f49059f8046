"""The upgrade drill, a short one: both upgrades happen and the users only wait."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drill.record import Outcome
from drill.verdict import judge

from ..postgres import programs
from ..servers import missing

ROOT = Path(__file__).parents[2]
MIGRATION = 3.0  # seconds


@pytest.mark.postgres
def test_users_notice_two_upgrades_only_by_waiting(tmp_path):
    if programs() is None:
        missing("postgresql")
    words = ("--calm", "1", "--users", "30", "--migration", str(MIGRATION), "--out", str(tmp_path))
    status, told = _drill(*words)
    assert status == 0, told
    facts = json.loads((tmp_path / "drill.json").read_text())
    assert facts["requests"] > 100
    assert (facts["errors"], facts["duplicates"], facts["lost"]) == (0, 0, 0)
    assert facts["longest_wait"] > MIGRATION
    assert {release for second in facts["seconds"] for release in second["answers"]} == set("123")
    assert [window["title"] for window in facts["windows"]] == ["workers stopped", "hold"]
    for window in facts["windows"]:
        assert window["ended"] - window["began"] > MIGRATION
        assert _most_waiting(facts["seconds"], window) > 20
    assert (tmp_path / "drill.png").read_bytes().startswith(b"\x89PNG")


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
        told, _ = drill.communicate(timeout=120)
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
