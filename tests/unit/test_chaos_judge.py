"""The chaos's judge, of what is to happen once; and where the chaos hurts it."""

import random

import pytest

from ..chaos.judge import Evidence, judge
from ..chaos.ledger import DIED, FAINTED, Execution, Mark
from ..chaos.once import BOUNDARIES, FREEZABLE, ONCE, Shares, misfortune
from ..chaos.site import Mishap
from ..chaos.users import Outcome

RUN, AGAIN = Execution("a", 1, 10, "1:x"), Execution("a", 2, 11, "2:y")


def complaints(status, effects, *runs, token="", mishaps=(), kind="ONCE", seconds=1.0):
    outcome = Outcome("a", kind, status, began=100.0, seconds=seconds, token=token)
    evidence = Evidence(runs, mishaps, effects={"a": effects} if effects else {})
    return [one.partition(": ")[2].partition(" (met")[0] for one in judge([outcome], evidence)]


def mark(what, at=100.5, pid=10):
    return Execution(what, 0, pid, str(Mark("view", at)))


@pytest.mark.parametrize("runs", [(RUN,), (RUN, mark(DIED), AGAIN)])
def test_what_was_committed_once_and_told(runs):
    token = runs[-1].token
    assert complaints(200, [token], *runs, token=token) == []


@pytest.mark.parametrize(
    ("status", "token", "effects", "words"),
    [
        (200, "1:x", ["1:x", "2:y"], "committed 2 times"),
        (200, "1:x", [], "answered by 1:x, committed by []"),
        (200, "2:y", ["1:x"], "answered by 2:y, committed by ['1:x']"),
        (500, "", ["1:x"], "500 says that nothing was committed, but it was"),
        (503, "", ["1:x"], "503 says that nothing was committed, but it was"),
        (502, "", ["1:x"], "told that the outcome is unknown"),
    ],
)
def test_what_must_not_be(status, token, effects, words):
    runs = (RUN, mark(DIED), AGAIN)
    assert words in complaints(status, effects, *runs, token=token)


def test_a_view_may_fail_where_its_database_has_crashed():
    crash = Mishap("crash_database", 100.2, 100.8)
    assert complaints(500, [], RUN, mishaps=[crash]) == []
    assert complaints(500, [], RUN) == ["its view failed, and nothing made it"]
    assert complaints(500, [], RUN, kind="ONCE-FAIL") == []


def test_who_met_a_worker_that_was_stopped_may_have_waited_too_long():
    assert complaints(504, [], RUN, mark(FAINTED)) == []
    assert complaints(504, [], RUN) == ["nothing kept it from its answer"]


def test_who_met_a_machine_that_stood_still_may_have_waited_too_long():
    stall = Mishap("stall", 100.2, 103.2)
    assert complaints(504, [], RUN, mishaps=[stall]) == []
    assert complaints(200, ["1:x"], RUN, token="1:x", mishaps=[stall], seconds=16) == []
    late = ["held for 18.0 s"]
    assert complaints(200, ["1:x"], RUN, token="1:x", mishaps=[stall], seconds=18) == late


def test_each_boundary_is_hurt():
    chance = random.Random(1)
    killed = {misfortune(kind, chance, Shares(1.0)) for kind in ONCE for _ in range(500)}
    usual = {f"kill={place}" for place in BOUNDARIES}
    assert killed == usual | {"kill=committed&then-kill=replay"}
    stopped = {misfortune(kind, chance, Shares(0.0, 1.0)) for kind in ONCE for _ in range(500)}
    usual = {f"freeze={place}" for place in FREEZABLE}
    assert stopped == usual | {"kill=committed&then-freeze=replay"}
    assert misfortune("ONCE", chance, Shares(0.0)) == ""
