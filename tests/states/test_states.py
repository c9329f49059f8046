"""The scripts move requests as docs/states.md says, and in no other way."""

from .run import run
from .table import STATES, moves, rows_below

STEPS = 10_000


def test_the_page_explains_each_state():
    explained = [row[0] for row in rows_below("What each state is")]
    assert explained == list(STATES)
    assert {move.target for move in moves()} == {*STATES}
    assert {move.source for move in moves()} <= {"new", *STATES}


def test_the_scripts_make_no_other_move(broker):
    run(broker.url, STEPS)
