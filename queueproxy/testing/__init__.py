"""Tests a project as it is served through the queue. Public; imported by tests alone.

`through_queue`       within the process, no broker needed: a context manager, and a decorator
`ThroughQueueMixin`   the same for a ``TestCase``
``queueproxy.testing.live``     ``LiveQueueTestCase``: real front, broker and worker for a browser
``queueproxy.testing.plugin``   both for pytest: name it in ``-p`` or ``pytest_plugins``
"""

from .through_queue import Passed, ThroughQueueMixin, through_queue

__all__ = ["Passed", "ThroughQueueMixin", "through_queue"]
