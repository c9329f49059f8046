"""Names the types of what an ASGI server and an application hand each other (ASGI 3.0)."""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]  # of one connection; "type" tells which keys it has
Message = dict[str, Any]  # an event; "type" tells which keys it has
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
