"""Websockets under Daphne, and those that the project has no application for."""

import logging
from collections.abc import Callable

from daphne.ws_protocol import WebSocketProtocol

from ...front.http.refusals import Refusal
from ..common.ending import raw_refusal

logger = logging.getLogger("queueproxy.front")


class WebSocket(WebSocketProtocol):
    """Daphne's websocket, whose refusals before it is open look like the front's others."""

    def sendHttpErrorResponse(self, code, reason, responseHeaders=None) -> None:
        detail = "".join(letter if " " <= letter <= "~" else " " for letter in str(reason))
        refusal = Refusal(int(code), "http_request_denied", f"No websocket: {detail}", close=True)
        self.sendData(raw_refusal(refusal))


def guard(app: Callable) -> Callable:
    """Wrap the application: a websocket it does not know is refused instead of failing.

    ASGI has an application raise where it does not know a kind of scope. One that has asked for an
    event before it raised knows it, and has failed.
    """

    async def guarded(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        asked = False

        async def watched() -> dict:
            nonlocal asked
            asked = True
            return await receive()

        try:
            await app(scope, watched, send)
        except Exception as error:
            if asked:
                raise
            logger.info("A websocket was refused, the application knows none: %s", error)
            await send({"type": "websocket.close"})

    return guarded
