"""sentry-sdk."""

from collections.abc import Callable

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.transport import Transport


def start(write: Callable[[dict], None]) -> None:
    class FileTransport(Transport):
        """Gives `write` what of an envelope tells one request's report from another's."""

        def capture_envelope(self, envelope):
            for item in envelope.items:
                event = item.get_event() or item.get_transaction_event()
                if event is not None:
                    write(_report(event))

    sentry_sdk.init(
        dsn="https://key@sentry.invalid/1",
        transport=FileTransport,
        integrations=[DjangoIntegration()],
        traces_sample_rate=1,
        send_default_pii=True,
    )
    sentry_sdk.set_tag("set", "at the start")


def name_user(user: str) -> None:
    sentry_sdk.set_user({"username": user})
    sentry_sdk.set_tag("plan", f"plan of {user}")
    sentry_sdk.add_breadcrumb(category="probe", message=f"{user} was here")


def _report(event: dict) -> dict:
    request = event.get("request", {})
    trace = event.get("contexts", {}).get("trace", {})
    exceptions = event.get("exception", {}).get("values", ())
    breadcrumbs = event.get("breadcrumbs", {})
    if isinstance(breadcrumbs, dict):
        breadcrumbs = breadcrumbs.get("values", ())
    return {
        "kind": event.get("type", "error"),
        "name": event.get("transaction"),
        "source": event.get("transaction_info"),
        "url": request.get("url"),
        "query": request.get("query_string"),
        "method": request.get("method"),
        "headers": request.get("headers"),
        "env": request.get("env"),
        "user": event.get("user"),
        "tags": event.get("tags"),
        "breadcrumbs": [(b.get("category"), b.get("message")) for b in breadcrumbs],
        "exceptions": [(e["type"], e["value"], e.get("mechanism")) for e in exceptions],
        "operation": trace.get("op"),
        "status": trace.get("status"),
        "spans": [(span["op"], span["description"]) for span in event.get("spans", ())],
    }
