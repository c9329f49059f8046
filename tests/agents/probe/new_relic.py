"""New Relic's agent, started by its own ``newrelic-admin run-program``, in developer mode."""

from collections.abc import Callable

import newrelic.agent
from newrelic.core.application import Application


def start(write: Callable[[dict], None]) -> None:
    record = Application.record_transaction

    def record_and_write(self, data):
        write(_report(data))
        return record(self, data)

    Application.record_transaction = record_and_write


def name_user(user: str) -> None:
    newrelic.agent.set_user_id(user)
    newrelic.agent.add_custom_attribute("plan", f"plan of {user}")


def _report(data) -> dict:
    return {
        "kind": data.type,
        "name": data.path,
        "url": data.request_uri,
        "attributes": {
            attribute.name: attribute.value
            for attribute in (*data.agent_attributes, *data.user_attributes)
        },
        "queued": bool(data.queue_start),
        "errors": [(error.type, error.message) for error in data.errors],
        "trace": _names(data.root),
    }


def _names(node) -> list:
    """Names of what was traced, each with what was traced in it."""
    name = getattr(node, "name", None) or type(node).__name__
    return [name, [_names(child) for child in node.children or ()]]
