"""Names and values of attributes, by OpenTelemetry's semantic conventions (1.44).

Those of HTTP are stable, those of messaging in development. ``OTEL_SEMCONV_STABILITY_OPT_IN`` may
ask for names of before beside those of today: ``http/dup`` (1.20), ``messaging/dup`` (1.24).
"""

import os
import re
from collections.abc import Mapping

from .. import __version__
from ..envelopes import RequestHead

SCOPE = "queueproxy"
VERSION = __version__
SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

STATUS = "http.response.status_code"
ERROR_TYPE = "error.type"
CLIENT_ADDRESS = "client.address"
SCHEME = "url.scheme"
# Milliseconds, as Sentry's conventions have it; OpenTelemetry's have no name for it.
TIME_IN_QUEUE = "http.server.request.time_in_queue"
# Of our own.
ATTEMPT = "queueproxy.attempt"
OUTCOME = "queueproxy.outcome"
REQUEST_ID = "queueproxy.request_id"
WORKER = "queueproxy.worker"

METHODS = frozenset("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY".split())
OTHER_METHOD = "_OTHER"

_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_BEFORE = {
    "http/dup": {
        "http.request.method": "http.method",
        STATUS: "http.status_code",
        SCHEME: "http.scheme",
        "server.address": "net.host.name",
        "server.port": "net.host.port",
        CLIENT_ADDRESS: "http.client_ip",
        "user_agent.original": "http.user_agent",
        "network.protocol.version": "http.flavor",
    },
    "messaging/dup": {
        "messaging.operation.type": "messaging.operation",
        "messaging.client.id": "messaging.client_id",
    },
}
_VALUES_BEFORE = {"send": "publish"}  # of messaging.operation
# Values that are signatures, which the conventions have left out.
_SECRET = re.compile(r"((?:^|&)(?:AWSAccessKeyId|Signature|sig|X-Goog-Signature)=)[^&]*")

Value = str | int | float
Attributes = dict[str, Value]


def opted_in() -> dict[str, str]:
    """Return the names of before that are wanted too, by the names of today."""
    wanted = {word.strip() for word in os.environ.get(_OPT_IN, "").split(",")}
    return {
        new: old for word, names in _BEFORE.items() if word in wanted for new, old in names.items()
    }


def with_names_before(attributes: Mapping[str, Value], names: Mapping[str, str]) -> Attributes:
    """Return the attributes, and again under the names of before.

    Args:
        names: of `opted_in`.
    """
    found = dict(attributes)
    for new, old in names.items():
        if new in attributes:
            value = attributes[new]
            if old == "messaging.operation":
                value = _VALUES_BEFORE.get(str(value), value)
            found[old] = value
    return found


def query_without_secrets(query: str) -> str:
    """Return the query of a URL without signatures."""
    return _SECRET.sub(r"\1REDACTED", query) if query else query


def messaging(operation: str, head: RequestHead, client: str) -> Attributes:
    """Return the attributes of a span about a request in its queue.

    Args:
        operation: ``send`` or ``process``.
        client: id of the front or the worker.
    """
    return {
        "messaging.system": "queueproxy",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": head.queue,
        "messaging.client.id": client,
        "messaging.message.id": head.id,
        "messaging.message.conversation_id": head.request_id,
        "messaging.message.body.size": head.body_size,
    }
