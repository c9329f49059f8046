"""Safeguards that can be switched off, to see that the checker notices."""

import queueproxy.broker.link.protocol as protocol
from queueproxy.broker import scripts


def _edit(*pairs: tuple[str, str]) -> None:
    """Change the library of scripts, under another name."""
    library = scripts.library()
    source = library.source
    for before, after in pairs:
        assert before in source, before
        source = source.replace(before, after)
    name = library.name + "_off"
    changed = scripts.Library(name, source.replace(library.name, name))
    protocol.library = lambda: changed


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
    _edit(
        (
            "register('settle_and_claim', A, { flags = { 'allow-oom' }, read_ahead = read_ahead }, "
            "function()\n  if not redis.call('ZSCORE', key('workers'), A.worker) then\n",
            "register('settle_and_claim', A, { flags = { 'allow-oom' }, read_ahead = read_ahead }, "
            "function()\n  if not redis.call('ZSCORE', key('workers'), A.worker) then\n"
            "    for _, slot in ipairs(redis.call('HKEYS', key('leases'))) do\n"
            "      local other = read_lease(slot)\n"
            "      if other.id == A.settle then settle(other) end\n"
            "    end\n",
        ),
    )


def withdraw() -> None:
    """Who leaves or runs out of time is forgotten by the front alone: its request is still run."""
    _edit(
        (
            "  local started = end_waiting(request)\n  add_stat(request.queue, A.why",
            "  local started = false\n  add_stat(request.queue, A.why",
        ),
        ("arrived + tonumber(request.hold_ms) <= clock()", "false"),
    )


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

    Inbox._frame = careless


SWITCHES = {
    "never_again": never_again,
    "fence": fence,
    "withdraw": withdraw,
    "id_check": id_check,
}
