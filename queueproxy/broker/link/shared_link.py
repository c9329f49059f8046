"""One asynchronous link for many tasks: what they ask for meanwhile goes out in one write."""

import asyncio
from collections import deque
from typing import NamedTuple

from ...exceptions import BrokerUnavailable, ErrorReply
from .connect import ANSWER_WITHIN
from .links import BULKY, AsyncLink
from .protocol import EPOCH, OTHER_SCHEMA, Argument, Arguments, Command, RedisReply

MOST_AT_ONCE = 64  # scripts or commands in one write
BYTES_AT_ONCE = 1024 * 1024  # of their arguments; one that is larger goes by itself


class _Asked(NamedTuple):
    """What one task asks for: the name of a script and its arguments, or a plain command.

    Attributes:
        sent_ahead: a command of whose reply nothing is made, if any.
    """

    script: str
    words: Arguments
    size: int
    answer: asyncio.Future[RedisReply]
    sent_ahead: Command | None = None


class SharedLink:
    """Sends in order what is asked for, many at a time; each of the tasks awaits its own answer.

    What is asked for is sent also where the task that did so is cancelled meanwhile.

    Args:
        link: used by nobody else.
    """

    def __init__(self, link: AsyncLink):
        self._link = link
        self.keys = link.keys
        self._asked: deque[_Asked] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def script(
        self, name: str, *args: Argument, sent_ahead: Command | None = None, size: int = 0
    ) -> RedisReply:
        """Run a script; see ScriptSession.run.

        Args:
            sent_ahead: goes just before it; what becomes of it, the script has to see.
            size: bytes of the largest argument, that of the command ahead included.
        """
        return await self._ask(name, args, size, sent_ahead)

    async def command(self, command: Command) -> RedisReply:
        """Send one command; its reply, an error reply as ErrorReply.

        Raises:
            BrokerUnavailable: no connection, or no answer in time.
        """
        return await self._ask("", command, 0)

    async def close(self) -> None:
        """Send what was asked for and drop the connection."""
        if self._sending is not None:
            await asyncio.wait([self._sending])
        await self._link.close()

    def _ask(
        self, script: str, words: Arguments, size: int, sent_ahead: Command | None = None
    ) -> asyncio.Future[RedisReply]:
        loop = asyncio.get_running_loop()
        asked = _Asked(script, words, size, loop.create_future(), sent_ahead)
        self._asked.append(asked)
        if self._sending is None or self._sending.done():
            self._sending = loop.create_task(self._send_all())
        return asked.answer

    async def _send_all(self) -> None:
        while self._asked:
            batch = self._next_batch()
            try:
                await self._send(batch)
            except BrokerUnavailable as error:
                for asked in batch:
                    _fail(asked, error)
            except BaseException as error:
                for asked in [*batch, *self._asked]:
                    _fail(asked, error)
                self._asked.clear()
                raise

    def _next_batch(self) -> list[_Asked]:
        batch = [self._asked.popleft()]
        size = batch[0].size
        while self._asked and len(batch) < MOST_AT_ONCE:
            size += self._asked[0].size
            if size > BYTES_AT_ONCE:
                break
            batch.append(self._asked.popleft())
        return batch

    async def _send(self, batch: list[_Asked]) -> None:
        left = batch
        if not self._link.run_id:  # the epoch comes first
            await self._send_alone(batch[0])
            left = batch[1:]
        for asked, reply in zip(left, await self._replies_to(left), strict=True):
            if asked.script and _did_nothing(reply):
                await self._send_alone(asked)
            else:
                _give(asked, reply)

    async def _replies_to(self, batch: list[_Asked]) -> list[RedisReply]:
        """Send all in one write; the replies to them, without those to what goes ahead of them."""
        commands: list[Command] = []
        places = []
        for asked in batch:
            if asked.sent_ahead is not None:
                commands.append(asked.sent_ahead)
            places.append(len(commands))
            commands.append(self._spelled(asked))
        if not commands:
            return []
        bulky = any(asked.size > BULKY for asked in batch)
        replies = await self._link.commands(commands, ANSWER_WITHIN, bulky=bulky)
        return [replies[place] for place in places]

    async def _send_alone(self, asked: _Asked) -> None:
        """Where the server lacks the scripts, or the epoch is another: the link sees to that."""
        if not asked.script:
            (reply,) = await self._link.commands([asked.words])
            _give(asked, reply)
            return
        try:
            reply = await self._link.script(
                asked.script, *asked.words, sent_ahead=asked.sent_ahead, bulky=asked.size > BULKY
            )
            _give(asked, reply)
        except ErrorReply as error:
            _fail(asked, error)
        except BrokerUnavailable:
            raise
        except Exception as error:
            _fail(asked, error)

    def _spelled(self, asked: _Asked) -> Command:
        if not asked.script:
            return asked.words
        return self._link.script_command(asked.script, *asked.words)


def _did_nothing(reply: object) -> bool:
    """Whether a script has not been run, or refused to do anything."""
    if isinstance(reply, bytes):
        return reply == EPOCH or reply.startswith(OTHER_SCHEMA)
    return isinstance(reply, Exception)


def _give(asked: _Asked, reply: RedisReply) -> None:
    if not asked.answer.done():
        asked.answer.set_result(reply)


def _fail(asked: _Asked, error: BaseException) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
        asked.answer.exception()  # nobody may be there any more to hear of it
