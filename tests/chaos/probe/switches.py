"""Safeguards that can be switched off, to see that the checker notices."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import queueproxy.broker.link.protocol as protocol
from queueproxy.broker import scripts

from .once_switches import IN_DATABASES


def replace(owner: Any, name: str, new: Any) -> None:
    """Put something else in the place of a class's or module's attribute, which must be there."""
    assert hasattr(owner, name), name
    setattr(owner, name, new)


def _edit(*pairs: tuple[str, str]) -> None:
    """Change the library of scripts, under another name."""
    library = scripts.library()
    source = library.source
    for before, after in pairs:
        assert before in source, before
        source = source.replace(before, after)
    name = library.name + "_off"
    changed = scripts.Library(name, source.replace(library.name, name))
    replace(protocol, "library", lambda: changed)


# In the scripts.


def never_again() -> None:
    """A lost worker's unsafe request is run again like any other."""
    _edit(
        (
            "tonumber(lease.max_attempts) > lease.attempt and not lease.streamed",
            "lease.attempt < 3",
        )
    )


def fence() -> None:
    """A worker that was given up still answers: it settles whoever's lease the request is now."""
    given_up = (
        "register('settle_and_claim', A, { often = true, flags = { 'allow-oom' }, "
        "read_ahead = read_ahead }, function()\n"
        "  if not redis.call('ZSCORE', key('workers'), A.worker) then\n"
    )
    _edit(
        (
            given_up,
            given_up + "    for _, slot in ipairs(redis.call('HKEYS', key('leases'))) do\n"
            "      local other = read_lease(slot)\n"
            "      if registration(other) == A.settle then settle(other) end\n"
            "    end\n",
        )
    )


def withdraw() -> None:
    """Who leaves or runs out of time is forgotten by the front alone: its request is still run."""
    _edit(
        (
            "  local started = end_waiting(request)\n  add_stat(request.queue, A.why",
            "  local started = false\n  add_stat(request.queue, A.why",
        ),
        ("arrived + tonumber(request.hold_ms) <= lease_clock()", "false"),
    )


def one_pause() -> None:
    """A person's pause takes the place of everybody else's."""
    _edit(
        (
            "    redis.call('HSET', key('pauses'), pause_field(ARGV[i], A.owner), json)",
            "    redis.call('DEL', key('pauses'))\n"
            "    redis.call('HSET', key('pauses'), pause_field(ARGV[i], A.owner), json)",
        )
    )


def lease_clock() -> None:
    """Leases are judged by the server's own clock, and by time in which it was frozen."""
    _edit(("CLOCK = last and last + math.max", "CLOCK = false and last + math.max"))


def answers_count() -> None:
    """Answers that fronts have not read count for nothing."""
    _edit(("  add('bytes', size)\n  add('replies:' .. front, size)\n", ""))


def registrations() -> None:
    """What is known of a request by its id is taken for another entry of that id too."""
    _edit(("  return held and is_of(held, request)", "  return held"))


def group_limit() -> None:
    """Requests of a group are started however many of it run."""
    _edit(("  if group.running >= tonumber(request.at_most) then\n", "  if false then\n"))


def active_release() -> None:
    """A worker claims whichever release is active."""
    _edit(("    return active ~= release\n", "    return false\n"))


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


SWITCHES = {
    switch.__name__: switch
    for switch in (
        never_again,
        fence,
        withdraw,
        id_check,
        one_pause,
        lease_clock,
        answers_count,
        group_limit,
        kept_bodies,
        pipelined_leaving,
        flow_again,
        sendings,
        patience,
        forked_children,
        *IN_DATABASES,
        registrations,
        active_release,
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
