"""The scripts move requests as docs/states.md says, and in no other way."""

from .machine import States
from .run import run
from .table import STATES, moves, rows_below

STEPS = 7_000  # of rules: ten thousand calls with those of the ends


def test_the_page_explains_each_state():
    explained = [row[0] for row in rows_below("What each state is")]
    assert explained == list(STATES)
    assert {move.target for move in moves()} == {*STATES}
    assert {move.source for move in moves()} <= {"new", *STATES}


def test_the_scripts_make_no_other_move(broker):
    run(broker.url, STEPS)


def test_one_that_was_given_up_moves_nothing(broker):
    """By hand, since it takes much chance: what it ran is run by another, and it answers."""
    machine = type("States", (States,), {"url": broker.url})()
    machine.fronts_join()
    machine.the_first_start()
    machine.sends(0, "high", [{}], 0)
    given_up, other = (worker.slots[0] for worker in machine.site.workers)
    machine.turn(given_up, None, True)
    machine.dies(0, 0)
    machine.turn(other, None, True)
    machine.one_given_up_answers(0, 0)
    machine.teardown()
