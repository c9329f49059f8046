"""What holds for executor threads holds for an event loop too: the same tests once more.

Their views are synchronous: each runs in a thread of its own, as in Django under ASGI.
"""

from ..test_worker.test_departure import *  # noqa: F403
from ..test_worker.test_lane import *  # noqa: F403
from ..test_worker.test_loop import *  # noqa: F403
from ..test_worker.test_other_release import *  # noqa: F403
from ..test_worker.test_policies import *  # noqa: F403
from ..test_worker.test_refusing import *  # noqa: F403
from ..test_worker.test_route_counts import *  # noqa: F403
from ..test_worker.test_slow_close import *  # noqa: F403
from ..test_worker.test_streams import *  # noqa: F403
from ..test_worker.test_view_timeout import *  # noqa: F403

# A thread settles and claims in one trip, and so may hold a second request; a slot never does.
del test_what_is_claimed_while_the_stop_comes_is_handed_back  # noqa: F821
# It looks at what threads alone use; test_async_views has its like.
del test_a_drain_waits_for_other_streams  # noqa: F821
# It breaks what threads alone use; test_serving has its like.
del test_a_failure_of_our_own_closes_the_response_too  # noqa: F821
