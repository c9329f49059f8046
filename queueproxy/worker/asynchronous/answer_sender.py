"""Sends one answer in frames, all but the last, which travels with settling."""

from ...envelopes import Frame
from ..declared_length import DeclaredLength
from ..frames import STREAM_FRAME, BlockFrames, FrameMaker
from ..reply import WHOLE_WINDOW
from ..response import CheckedAnswer
from .frame_sender import FrameSender


class AnswerSender:
    """Sends an answer that is there as a whole, or `begin`s one and goes on with it piece by piece.

    Each may raise ClientGone, as `FrameSender.push` does.

    Args:
        frames: makes them.
        sender: pushes them.
    """

    def __init__(self, frames: FrameMaker, sender: FrameSender):
        self._frames = frames
        self._sender = sender
        self._answer: CheckedAnswer | None = None
        self._declared = DeclaredLength(None)
        self._blocks: BlockFrames | None = None  # of a file

    async def send_whole(self, answer: CheckedAnswer, body: bytes) -> Frame:
        """Send an answer whose body is known; the last frame."""
        for frame in self._frames.whole(answer, body):
            if frame.head.more:
                await self._sender.push(frame, WHOLE_WINDOW)
        return frame

    async def begin(self, answer: CheckedAnswer, *, is_file: bool) -> None:
        """Begin one whose body comes piece by piece.

        Args:
            is_file: it is read from a file of known length: no client is waited for.
        """
        self._answer = answer
        self._declared = DeclaredLength(answer.length)
        if is_file:
            self._blocks = BlockFrames(self._frames, answer)
        else:
            await self._sender.push(self._frames.frame(b"", answer, more=True))

    async def go_on(self, data: bytes) -> None:
        """Send a piece.

        Raises:
            BadResponse: it goes beyond the length that the view declared.
        """
        self._declared.add(data)
        if self._blocks is not None:
            for frame in self._blocks.add(data):
                await self._sender.push(frame, WHOLE_WINDOW)
            return
        for at in range(0, len(data), STREAM_FRAME):
            piece = data[at : at + STREAM_FRAME]
            await self._sender.push(self._frames.frame(piece, more=True))

    def end(self) -> Frame:
        """Make the last frame.

        Raises:
            BadResponse: the body is shorter than the view declared.
        """
        self._declared.end()
        return self._frames.frame(b"") if self._blocks is None else self._blocks.last()

    async def break_off(self) -> Frame:
        """Make the last frame of an answer that ends before its time: its client must see that."""
        await self._sender.finish()
        return self._frames.frame(b"", self._answer, aborted=True)
