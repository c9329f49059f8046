"""What holds for executor threads holds for an event loop too: the same tests once more.

Their views are synchronous: each runs in a thread of its own, as in Django under ASGI.
"""

from ..test_worker.test_lane import *  # noqa: F403
from ..test_worker.test_loop import *  # noqa: F403
from ..test_worker.test_other_release import *  # noqa: F403
from ..test_worker.test_refusing import *  # noqa: F403
from ..test_worker.test_rest import *  # noqa: F403
from ..test_worker.test_slow_close import *  # noqa: F403
from ..test_worker.test_streams import *  # noqa: F403
from ..test_worker.test_view_timeout import *  # noqa: F403
