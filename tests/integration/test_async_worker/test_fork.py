"""Views that fork, under an event loop: the tests of threads once more."""

from ..test_worker.test_exit import *  # noqa: F403
from ..test_worker.test_fork import *  # noqa: F403
from ..test_worker.test_fork_below_loop import (  # noqa: F401
    test_a_lasting_child_of_a_coroutine_holds_nothing_and_ends_nobody,
    test_children_below_asynchronous_middleware,
    test_coroutines_children_end_and_their_parent_serves_on,
    test_what_a_coroutines_child_says_last_is_heard,
)
