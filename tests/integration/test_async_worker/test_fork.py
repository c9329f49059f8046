"""Views that fork, under an event loop: the tests of threads once more."""

from ..test_worker.test_exit import *  # noqa: F403
from ..test_worker.test_fork import *  # noqa: F403
from ..test_worker.test_fork_below_loop import *  # noqa: F403
