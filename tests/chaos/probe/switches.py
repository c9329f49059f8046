"""Safeguards that can be switched off, to see that the checker notices."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import queueproxy.broker.link.protocol as protocol

from .once_switches import IN_DATABASES
from .script_switches import NAMES, without


def replace(owner: Any, name: str, new: Any) -> None:
    """Put something else in the place of a class's or module's attribute, which must be there."""
    assert hasattr(owner, name), name
    setattr(owner, name, new)


def _without(name: str) -> None:
    """Use scripts that lack a safeguard."""
    changed = without(protocol.library(), name)
    replace(protocol, "library", lambda: changed)


# In fronts.


def id_check() -> None:
    """A reply reaches whichever request is held, not the one it belongs to."""
    from queueproxy.front.inbox import Inbox

    original = Inbox._frame

    def careless(self, raw):
        frame = self._codec.decode_reply(raw.version, raw.head, raw.body, raw.signature)
        mine = self.held_requests.get(frame.head.id)
        others = [t for t in self.held_requests.values() if t is not mine and not t.answering]
        if mine is not None and others and not mine.answering and not frame.head.more:
            others[0].next_seq = 1
            others[0].notify(frame)
            return
        original(self, raw)

    replace(Inbox, "_frame", careless)


def pipelined_leaving() -> None:
    """A request doesn't learn that its client has left where more was sent behind it."""
    from queueproxy.servers.common.reader import RequestReader

    original = RequestReader.lost

    def lost(self):
        if self._buffer:
            self._incoming = None
        original(self)

    replace(RequestReader, "lost", lost)


def flow_again() -> None:
    """What clients have taken is said once, whatever becomes of the connection it is said on."""
    from queueproxy.front.outbox import Acknowledgements
    from queueproxy.front.sender import Sender

    replace(Acknowledgements, "failed", lambda self, acknowledgements: None)
    replace(Sender, "_acknowledge_again", lambda self: None)


def sendings() -> None:
    """A front sends what the broker has lost again without end."""
    from queueproxy.front.held_request import HeldRequest

    original = HeldRequest.may_be_sent_after_loss

    def may_be_sent_after_loss(self, now):
        if self.request.max_attempts > 1:
            self.times_sent = 0
        return original(self, now)

    replace(HeldRequest, "may_be_sent_after_loss", may_be_sent_after_loss)


def kept_bodies() -> None:
    """A front drops the body it keeps as soon as a worker has asked for some of it."""
    from queueproxy.front.held_request import HeldRequest

    original = HeldRequest.pieces

    def pieces(self, numbers):
        found = original(self, numbers)
        self._drop_body()
        return found

    replace(HeldRequest, "pieces", pieces)


def patience() -> None:
    """A client that takes nothing of its answer keeps its worker for ever."""
    from queueproxy.front.http.cut import ClientPatience

    async def wait_for_room(self, sending, size):
        await sending

    replace(ClientPatience, "wait_for_room", wait_for_room)


# In workers.


def forked_children() -> None:
    """A process that a view has forked keeps all of its worker's, and comes back to serve."""
    from queueproxy.worker import forking

    replace(forking, "_let_go", forking._unblock_signals)


def expiry() -> None:
    """A captured request may be started after its time."""
    from queueproxy.broker.broker_time import BrokerTime

    replace(BrokerTime, "allows", lambda self, expires, hold_ms: True)


# In all of them.


def namespace() -> None:
    """What is signed for one namespace counts in another."""
    from queueproxy import signing

    original = signing._derive
    replace(signing, "_derive", lambda secret, namespace, purpose: original(secret, "", purpose))


SWITCHES = {name: partial(_without, name) for name in NAMES} | {
    switch.__name__: switch
    for switch in (
        id_check,
        kept_bodies,
        pipelined_leaving,
        flow_again,
        sendings,
        patience,
        forked_children,
        *IN_DATABASES,
        expiry,
        namespace,
    )
}


@contextmanager
def scripts_off(names: Iterable[str]) -> Iterator[None]:
    """Let this process too, where people's commands are given, use the scripts so changed."""
    before = protocol.library
    for name in names:
        if SWITCHES[name] not in IN_DATABASES:
            SWITCHES[name]()
    yield
    protocol.library = before
