"""One request and its answer under uvicorn."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ..common.incoming import Incoming

if TYPE_CHECKING:
    from .protocol import Protocol


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, whose body comes from `Incoming`.

    Scope and messages are any of ASGI, where uvicorn has a type for each kind.

    Args:
        scope: of ASGI.
        incoming: the body.
        keep_alive: whether the connection goes on after the answer.
        connection: the `Protocol`.
    """

    cuts_itself = True  # seen by `foreign_server`

    def __init__(self, scope: Any, incoming: Incoming, *, keep_alive: bool, connection: "Protocol"):
        super().__init__(
            scope=scope,
            transport=connection.transport,  # type: ignore[arg-type]  # it does what one does
            flow=connection.flow,
            logger=logging.getLogger("uvicorn.error"),
            access_logger=logging.getLogger("uvicorn.access"),
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,  # said by the connection
            keep_alive=keep_alive,
            on_response=connection.answered,
        )
        self._incoming = incoming
        self._ends_with_connection = False

    async def receive(self) -> Any:
        """Do what ``receive`` of ASGI does."""
        return await self._incoming.receive()

    async def send(self, message: Any) -> None:
        """Do what ``send`` of ASGI does; to HTTP/1.0 a body without length ends with the close."""
        if message["type"] == "http.response.start":
            self._ends_with_connection = self.scope["http_version"] == "1.0" and not any(
                name.lower() == b"content-length" for name, _ in message.get("headers", ())
            )
            if self._ends_with_connection:
                self.chunked_encoding = False
        elif self._ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)
        if self.flow.write_paused:  # the last piece too is the client's only when it took it
            await self.flow.drain()

    def lose_body(self) -> None:
        """Let the application receive from now on that its client has its answer."""
        self._incoming.lose()
