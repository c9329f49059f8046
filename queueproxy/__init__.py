"""A queue between your clients and your Django site.

What a project may import, and find again in the next version:

`queueproxy.asgi`               application, QueueProxy
`queueproxy.policy`             policy
`queueproxy.logs`               JSONFormatter
`queueproxy.testing`            through_queue, ThroughQueueMixin, Passed
`queueproxy.testing.live`       LiveQueueTestCase, LiveQueue

What else is public is no Python: docs/reference/public.md. All other modules may change in any
version.
"""

__version__ = "0.1.0"
