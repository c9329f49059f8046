"""Decides which held request a reply belongs to; the twin of the outbox. No I/O."""

import logging
from collections.abc import Callable, Iterable

from ..broker.replies import Notice, PiecesWanted, RawReply, Reply
from ..envelopes import Codec, Frame, unverified_id, unverified_reply
from ..exceptions import BadSignature, DecodeError, RequestExpired
from .held_request import BAD_REPLY, WORKER_LOST, Failure, HeldRequest

logger = logging.getLogger("queueproxy.front")

# Of requests refused unread.
UNREAD = frozenset((DecodeError.reason, BadSignature.reason, RequestExpired.reason))


class Inbox:
    """The held requests by id, and the rules by which a frame reaches one of them.

    A frame is delivered when its signature holds, its request is held here, and it is the next of
    the one attempt that answers. Everything else is counted and dropped.

    Args:
        codec: to verify frames with.
        hand_over: called with what a worker wants of the body of a request held here.
        send_anew: called with a request that a worker has not run, as it has proved, and with the
            database in which its view wants it run exactly once, if it does; returns whether it is
            sent once more.
    """

    def __init__(
        self,
        codec: Codec,
        hand_over: Callable[[PiecesWanted], object] = lambda wanted: None,
        send_anew: Callable[[HeldRequest, str], bool] = lambda held, database: False,
    ):
        self._codec = codec
        self._hand_over = hand_over
        self._send_anew = send_anew
        self.held_requests: dict[str, HeldRequest] = {}
        self.waited = 0.0  # seconds the request answered last had waited for a worker
        self.refused = 0  # frames that did not verify
        self._explained = False  # what a bad signature means, since the last valid one
        self._unattributed = 0  # refused frames that name no held request

    def add(self, held: HeldRequest) -> None:
        """Hold a request."""
        self.held_requests[held.request.id] = held

    def remove(self, held: HeldRequest) -> None:
        """Stop holding a request; what still comes for it is dropped."""
        self.held_requests.pop(held.request.id, None)

    def deliver(self, replies: Iterable[Reply]) -> bool:
        """Hand each reply to the request it belongs to.

        Returns:
            Whether one was refused that names no held request: somebody may wait for it in vain.
        """
        unattributed = self._unattributed
        for reply in replies:
            if isinstance(reply, Notice):
                self._notice(reply)
            elif isinstance(reply, PiecesWanted):
                if reply.id in self.held_requests:
                    self._hand_over(reply)
            else:
                self._frame(reply)
        return self._unattributed > unattributed

    def _notice(self, notice: Notice) -> None:
        held = self.held_requests.get(notice.id)
        if held is None:
            return
        if notice.proof and self._goes_on(held, notice):
            return
        # The worker that refused it has not run it; one that was lost before may have.
        started_before = notice.reason in UNREAD and notice.attempt > 1
        held.notify(WORKER_LOST if started_before else Failure(notice.reason))

    def _goes_on(self, held: HeldRequest, notice: Notice) -> bool:
        """Whether a refusal is proved to leave a request unrun, and does not end it."""
        try:
            word = self._codec.read_not_run(notice.id, notice.entry, notice.attempt, notice.proof)
        except DecodeError as error:
            logger.error("A refusal was not believed: %s (request %s)", error, held.request.id)
            return False
        if word.sending > held.request.sending:
            return False
        if word.attempt > 1:
            if not held.request.once:
                return False
            held.started_before = True
        # Of a sending before, it has counted already: read again, or said again by somebody.
        return word.sending < held.request.sending or self._send_anew(held, word.database)

    def _frame(self, raw: RawReply) -> None:
        try:
            frame = self._codec.decode_reply(raw.version, raw.head, raw.body, raw.signature)
        except DecodeError as error:
            if not (raw.body is None and self._had_it(raw)):
                self._refuse(raw, error)
            return
        self._explained = False
        held = self.held_requests.get(frame.head.id)
        if held is None or not self._is_next(held, frame):
            return
        held.notify(frame)

    def _had_it(self, raw: RawReply) -> bool:
        """Whether a frame without its body is one that was delivered before.

        It may be read once more by who looks for lost answers, while the reader deletes its body.
        """
        head = unverified_reply(raw.head)
        if head is None:
            return False
        held = self.held_requests.get(head.id)
        if held is None:
            return True
        return held.answering and (head.attempt != held.attempt or head.seq < held.next_seq)

    def _is_next(self, held: HeldRequest, frame: Frame) -> bool:
        head = frame.head
        if held.answering and head.attempt != held.attempt:
            return False
        if head.seq < held.next_seq:
            return False  # read again after the connection broke
        if head.seq > held.next_seq:
            held.notify(BAD_REPLY)
            return False
        if head.seq == 0:
            self.waited = head.wait_ms / 1000
        held.attempt = head.attempt
        held.next_seq += 1
        return True

    def _refuse(self, raw: RawReply, error: DecodeError) -> None:
        self.refused += 1
        held = self.held_requests.get(unverified_id(raw.head))
        whose = f" (request {held.request.id})" if held else ""
        hint = ""
        if isinstance(error, BadSignature) and not self._explained:
            hint, self._explained = f" {error.HINT}", True
        logger.error("A reply was refused: %s%s%s", error, whose, hint)
        if held is None:
            self._unattributed += 1
        else:
            held.notify(BAD_REPLY)
