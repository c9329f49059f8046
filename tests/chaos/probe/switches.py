"""Safeguards that can be switched off, to see that the checker notices."""

import queueproxy.broker.protocol as protocol
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
    _edit(("lease.most > lease.attempt and not lease.streamed", "lease.attempt < 3"))


def fence() -> None:
    """A worker that was given up may go on: its late answers are taken, its leases are its own."""
    from queueproxy.broker.membership import Membership

    _edit(
        (
            "if not redis.call('ZSCORE', key('workers'), WORKER) then\n    return { 'fenced' }",
            "if false then",
        ),
        (
            "local function answer(lease)\n  if conclude(lease, nil) then",
            "local function answer(lease)\n  conclude(lease, nil)\n  do",
        ),
        (
            "  if lease and SETTLE == lease.id and ATTEMPT == lease.attempt then",
            "  if not lease and SETTLE ~= '' then\n"
            "    redis.call('XADD', key('replies', FRONT_OF[SETTLE] or ''), '*', 'v', ARGV[10], "
            "'h', ARGV[11], 'b', ARGV[12], 's', ARGV[13])\n  end\n"
            "  if lease and SETTLE == lease.id and ATTEMPT == lease.attempt then",
        ),
        ("local STATE, PREFIX, NOW", "local FRONT_OF = {}\nlocal STATE, PREFIX, NOW"),
    )
    Membership.beat = lambda self, state: True


def withdraw() -> None:
    """Who leaves or runs out of time is forgotten by the front alone: its request is still run."""
    _edit(
        (
            "  unqueue(request)\n  local started = redis.call('HDEL', key('attempts'), id) == 1\n"
            "  forget(request)\n",
            "  local started = false\n",
        ),
        ("entry_parts(request.entry) + request.hold <= NOW", "false"),
    )


def id_check() -> None:
    """A reply reaches whichever request is held, not the one it belongs to."""
    from queueproxy.front.inbox import Inbox

    original = Inbox._frame

    def careless(self, raw):
        frame = self._codec.decode_reply(raw.version, raw.head, raw.body, raw.signature)
        mine = self.tickets.get(frame.head.id)
        others = [t for t in self.tickets.values() if t is not mine and not t.answering]
        if mine is not None and others and not mine.answering and not frame.head.more:
            others[0].next_seq = 1
            others[0].tell(frame)
            return
        original(self, raw)

    Inbox._frame = careless


SWITCHES = {
    "never_again": never_again,
    "fence": fence,
    "withdraw": withdraw,
    "id_check": id_check,
}
