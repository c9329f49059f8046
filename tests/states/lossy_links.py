"""Links that lose the server's reply to a script which it has run."""

from dataclasses import dataclass, field

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.links import AsyncLink, Link
from queueproxy.exceptions import BrokerUnavailable


class Losses:
    """How many of the next replies are lost; of all links of one broker, which it knows."""

    def __init__(self):
        self.due = 0
        self.links: list[Link] = []

    def take(self, commands) -> bool:
        """Whether the replies to these are lost."""
        if not self.due or not any(command[0] == "FCALL" for command in commands):
            return False
        self.due -= 1
        return True


class LossyLink(Link):
    """Does what a link does whose connection breaks behind a command."""

    losses: Losses

    def commands(self, commands, *args, **options):
        replies = super().commands(commands, *args, **options)
        if self.losses.take(commands):
            self.close()
            raise BrokerUnavailable("The reply was lost.")
        return replies


class LossyAsyncLink(AsyncLink):
    """The same, for asyncio."""

    losses: Losses

    async def commands(self, commands, *args, **options):
        replies = await super().commands(commands, *args, **options)
        if self.losses.take(commands):
            await self.close()
            raise BrokerUnavailable("The reply was lost.")
        return replies


@dataclass(frozen=True)
class LossyBroker(Broker):
    """Makes such links."""

    losses: Losses = field(default_factory=Losses)

    def link(self, role: str, *, spin: bool = False) -> Link:
        """Make a blocking one."""
        link = LossyLink(self.address, self.keys, role, self.lease_ms, spin=spin)
        link.losses = self.losses
        self.losses.links.append(link)
        return link

    def async_link(self, role: str) -> AsyncLink:
        """Make one for asyncio."""
        link = LossyAsyncLink(self.address, self.keys, role, self.lease_ms)
        link.losses = self.losses
        return link
