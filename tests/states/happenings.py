"""What may happen next, some of it more often than the rest.

One rule of Hypothesis draws among all, so that none is left out of a run: its own choice among
rules leaves half of them out of each, and what takes five of them would happen in none.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule


class Happening(NamedTuple):
    """One of them: its method, how often it is drawn, when it may be, and its arguments."""

    name: str
    often: int
    when: Callable[[Any], object]
    how: st.SearchStrategy


def happens(often: int = 1, when: Callable[[Any], object] = bool, **arguments: st.SearchStrategy):
    """Mark a method as something that may happen.

    Args:
        often: weight among all.
        when: of the machine, whether it may happen now.
        arguments: what each is drawn from.
    """

    def mark(method):
        how = st.fixed_dictionaries(arguments)
        method.happening = Happening(method.__name__, often, when, how)
        return method

    return mark


class Happenings(RuleBasedStateMachine):
    """Lets what is marked happen."""

    @rule(data=st.data())
    def something_happens(self, data):
        marked = (getattr(method, "happening", None) for method in _methods(type(self)))
        possible = [
            happening.name
            for happening in marked
            if happening and happening.when(self)
            for _ in range(happening.often)
        ]
        method = getattr(self, data.draw(st.sampled_from(possible), label="what"))
        method(**data.draw(method.happening.how, label="how"))


def _methods(kind: type) -> list:
    return [getattr(kind, name) for name in dir(kind) if not name.startswith("_")]
