"""Writes a worker's reply frames: large bodies as values beside the script that tells of them.

Lua copies and hashes every byte that a script is given: to move a megabyte by SET and GET costs
the broker a third of what it costs in a script's arguments.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..envelopes import Codec, Frame
from ..exceptions import BrokerRefused
from ..keys import Keys
from ..signing import WIRE_VERSION
from .link.links import BULKY, Link
from .link.protocol import Arguments, RedisReply
from .link.shared_link import SharedLink

LARGE = 64 * 1024  # bytes; a larger body travels beside the script
KEPT_FOR = 120_000  # ms at least until its script comes, which keeps it longer
ABSENT = b"absent"  # reply of a script: the value it was told of is not there


class WrittenFrame(NamedTuple):
    """A frame as it goes to the broker.

    Attributes:
        arguments: for the script: version, head, body, signature, name and bytes of the value.
        value: the command that keeps the body; None where it is among the arguments.
    """

    arguments: tuple[str, bytes, bytes, bytes, str, int]
    value: tuple[str, str, bytes, str, int] | None = None

    @property
    def size(self) -> int:
        """Bytes of the body, wherever it is."""
        return len(self.value[2] if self.value is not None else self.arguments[2])

    @property
    def is_bulky(self) -> bool:
        """Whether it is written without being copied once more: see `Link.commands`."""
        return self.size > BULKY


NO_FRAME = (WIRE_VERSION, b"", b"", b"", "", 0)  # arguments where there is none
NOTHING_WRITTEN = WrittenFrame(NO_FRAME)


class FrameWriter:
    """Writes the frames of one thread, or of one event loop.

    Args:
        keys: of the namespace.
        codec: signs.
        lease_ms: of a worker; a front lives for twice that without a word.
    """

    def __init__(self, keys: Keys, codec: Codec, lease_ms: int):
        self._keys = keys
        self._codec = codec
        self._kept_for = max(KEPT_FOR, 4 * lease_ms)

    def ways(self, frame: Frame | None, secret_index: int) -> Iterator[WrittenFrame]:
        """Write a frame, and write it otherwise where the server did not take that: see `send`.

        Args:
            frame: None where there is none.
            secret_index: that of the secret to sign with (see Codec.encode_reply).
        """
        if frame is None:
            yield NOTHING_WRITTEN
            return
        head, signature = self._codec.encode_reply(frame, secret_index)
        if len(frame.body) > LARGE:
            yield self._beside(frame, head, signature)
        yield WrittenFrame((WIRE_VERSION, head, frame.body, signature, "", 0))

    def send(
        self,
        script: str,
        link: Link,
        frame: Frame | None,
        secret_index: int,
        arguments: Callable[[WrittenFrame], Arguments],
        **options: Any,
    ) -> RedisReply:
        """Send a frame with a script; what that replies. Other arguments as of `ways`.

        Args:
            arguments: lists those of the script.
            options: for Link.script.
        """
        for written in self.ways(frame, secret_index):
            ahead, bulky = written.value, written.is_bulky
            try:
                reply = link.script(
                    script, *arguments(written), sent_ahead=ahead, bulky=bulky, **options
                )
            except BrokerRefused:
                if ahead is None:
                    raise
                continue  # no memory or no right for SET: scripts may do more
            if not is_absent(reply):
                break
        return reply

    async def send_async(
        self,
        script: str,
        link: SharedLink,
        frame: Frame | None,
        secret_index: int,
        arguments: Callable[[WrittenFrame], Arguments],
    ) -> RedisReply:
        """Do what `send` does, by a link that many tasks share."""
        for written in self.ways(frame, secret_index):
            ahead = written.value
            try:
                reply = await link.script(
                    script, *arguments(written), sent_ahead=ahead, size=written.size
                )
            except BrokerRefused:
                if ahead is None:
                    raise
                continue
            if not is_absent(reply):
                break
        return reply

    def _beside(self, frame: Frame, head: bytes, signature: bytes) -> WrittenFrame:
        about = frame.head
        name = f"{about.id}:{about.attempt}:{about.seq}:{secrets.token_hex(4)}"
        value = ("SET", self._keys.named("answer", name), frame.body, "PX", self._kept_for)
        size = len(frame.body)
        return WrittenFrame((WIRE_VERSION, head, b"", signature, name, size), value)


def is_absent(reply: object) -> bool:
    """Whether a script did nothing, for the value that it was told of is not there."""
    return reply in (ABSENT, [ABSENT])
