"""The access log: one INFO of the logger ``queueproxy.access`` for each request that is answered.

It is on where that logger has a level of its own, INFO or lower (``--access-log`` gives it one),
and costs a look at that where it is off. What clients send is escaped, in the message and in the
fields: no path or header can forge a line.
"""

import asyncio
import logging
import time

from ...asgi_types import ASGIApplication, Message, Receive, Scope, Send
from ...envelopes import ReplyHead, RequestHead
from ...wording import escaped
from .cut import StoppedUnsent
from .headers import Peer, raw_path
from .refusals import FRONT_FAILED, FRONT_STOPPED, FRONT_STOPPED_UNSENT, Refusal

logger = logging.getLogger("queueproxy.access")

KEY = "queueproxy.access_log"  # of a scope: the `Entry` of a request that is being logged
ACCEPTED = 101  # a websocket
CLIENT_LEFT = 499  # as nginx logs it: nothing was answered, the client has left
LONGEST_PATH = 2000  # characters

_LINE = (
    "%(client)s %(method)s %(path)s %(status)d %(bytes)d queue=%(queue)s wait=%(wait)s "
    "run=%(run)s worker=%(worker)s id=%(request_id)s"
)


def is_on() -> bool:
    """Whether requests are logged."""
    return logger.level != logging.NOTSET and logger.isEnabledFor(logging.INFO)


def turn_on() -> None:
    """Log requests, unless the project has given the logger a level of its own."""
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


class Entry:
    """One line of the log while it is gathered; watches its request as an `Observer`.

    Args:
        method: of the request.
        path: as the client sent it, without the query.
        client: its address; empty where it has none.
    """

    def __init__(self, method: str, path: str, client: str = ""):
        self._began = time.perf_counter()
        self._size = 0  # bytes of body that the client has been sent
        self._whole = False
        self._status = 0  # of what has been sent
        self._fields: dict[str, str | float | None] = {
            "method": escaped(method, most=20),
            "path": escaped(path, most=LONGEST_PATH).replace(" ", "%20"),
            "client": escaped(client) or "-",
            "request_id": "",
            "queue": "",
            "wait": None,
            "run": None,
            "worker": "",
            "attempt": 0,
        }

    def begins(self, request_id: str, peer: Peer) -> None:
        """As of `Observer`."""
        self._fields["request_id"] = escaped(request_id)
        if peer.client is not None and peer.client[0]:
            self._fields["client"] = escaped(peer.client[0])

    def to_be_sent(self, head: RequestHead) -> RequestHead:
        """As of `Observer`."""
        self._fields["queue"] = head.queue
        return head

    def taken(self) -> None:
        """As of `Observer`."""

    def answered(self, head: ReplyHead) -> None:
        """As of `Observer`."""
        self._fields |= {
            "wait": head.wait_ms / 1000,
            "run": head.run_ms / 1000,
            "worker": escaped(head.worker),
            "attempt": head.attempt,
        }

    def refused(self, refusal: Refusal) -> None:
        """As of `Observer`."""
        self._status = refusal.status

    @property
    def has_status(self) -> bool:
        """Whether an answer has begun, or a websocket been accepted."""
        return self._status > 0

    def trace(self, trace_id: str) -> None:
        """Name the trace that the request belongs to."""
        self._fields["trace_id"] = trace_id

    def sending(self, send: Send) -> Send:
        """Return a ``send`` of ASGI that notes what goes out by it."""

        async def noting(message: Message) -> None:
            await send(message)
            kind = message["type"]
            if kind == "http.response.start":
                self._status = message["status"]
            elif kind == "http.response.body":
                self._size += len(message.get("body", b""))
                self._whole = not message.get("more_body", False)
            elif kind == "websocket.accept":
                self._status = ACCEPTED
            elif kind == "websocket.send":
                data = message.get("bytes")
                self._size += len(message["text"].encode() if data is None else data)

        return noting

    def ends(self, error: BaseException | None = None) -> None:
        """Log it.

        Args:
            error: that ended it, if one did; the server then gives the answer, if none has begun.
        """
        outcome = "complete"
        if not self._status and error is not None:
            self._status = refusal_for(error).status
        elif not self._status:
            self._status, outcome = CLIENT_LEFT, "client_left"
        elif not self._whole and self._status != ACCEPTED:
            outcome = "client_left" if error is None else "cut"
        self.log(outcome)

    def log(self, outcome: str) -> None:
        """Write the line."""
        fields = self._fields | {
            "status": self._status,
            "bytes": self._size,
            "seconds": round(time.perf_counter() - self._began, 6),
            "outcome": outcome,
        }
        shown = {name: "-" if value in (None, "") else value for name, value in fields.items()}
        logger.info(_LINE, shown, extra=fields)


def note_refusal(refusal: Refusal, request_id: str, path: str = "") -> None:
    """Log a refusal of what is no request yet, or a handshake that is no websocket.

    Args:
        path: of the handshake; empty where nothing could be read.
    """
    if is_on():
        entry = Entry("GET" if path else "-", path or "-")
        entry.begins(request_id, Peer(None, ""))
        entry.refused(refusal)
        entry.log("complete")


def refusal_for(error: BaseException) -> Refusal:
    """Return the refusal with which a server ends a request whose application raised this."""
    if isinstance(error, StoppedUnsent):
        return FRONT_STOPPED_UNSENT
    return FRONT_STOPPED if isinstance(error, asyncio.CancelledError) else FRONT_FAILED


def logged(app: ASGIApplication) -> ASGIApplication:
    """Wrap an ASGI application, so that each request and each websocket to it is logged.

    A request that is logged already, by who called this one, is not logged again; a websocket is
    logged at its end, with status 101, where it was accepted.
    """

    async def logging_app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or KEY in scope or not is_on():
            await app(scope, receive, send)
            return
        method = scope.get("method", "WEBSOCKET")
        client = scope.get("client") or ("",)
        entry = Entry(method, raw_path(scope), str(client[0]))
        error = None
        try:
            await app({**scope, KEY: entry}, receive, entry.sending(send))
        except BaseException as raised:
            error = raised
            raise
        finally:
            if scope["type"] == "http" or entry.has_status:
                entry.ends(error)

    return logging_app
