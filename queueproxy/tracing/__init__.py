"""Traces each request with OpenTelemetry, where the project has set that up in the process.

    SERVER `GET`                    in the front: from the request's head to the end of its answer
      PRODUCER `send default`       until the broker has it
        CONSUMER `process default`  in a worker: one attempt, up to its answer
          SERVER `GET things/`      of OpenTelemetry's instrumentation of Django, where that is on

The context travels in the headers of the request, in its signed head: the front sets those of the
configured propagators (``traceparent``, ``tracestate``) to its own context, a worker to that of its
CONSUMER span, before the view sees them. What was decided about sampling at the front holds for the
workers too.

Whether it is set up is looked at once, as a front or a worker begins: a tracer provider has been
set. Without that nothing of OpenTelemetry is imported here, and nothing is done for a request.
``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=queueproxy`` switches it off.
"""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .front import FrontTracing
    from .untraced import NoTracing

_DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def is_set_up() -> bool:
    """Whether there is a tracer provider that somebody has set."""
    api = sys.modules.get("opentelemetry.trace")  # who sets one has imported it
    if api is None or "queueproxy" in _words(os.environ.get(_DISABLED, "")):
        return False
    return not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)


def _words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")}


def for_front() -> "FrontTracing | None":
    """Make what traces the requests of a front; None where tracing is not set up."""
    if not is_set_up():
        return None
    from .front import FrontTracing

    return FrontTracing()


def for_worker(*, is_async: bool) -> "NoTracing":
    """Make what traces the requests of a worker process.

    Args:
        is_async: whether it serves Django by ASGI.
    """
    if not is_set_up():
        from .untraced import NO_TRACING

        return NO_TRACING
    from .worker import WorkerTracing

    return WorkerTracing(is_async=is_async)
