"""Words the front's own answers for people: what happened, and whether to send it again."""

from enum import Enum
from typing import NamedTuple

from .refusals import WITHDRAWN, Executed, Refusal


class Words(NamedTuple):
    """What is said of a status.

    Attributes:
        title: a few words.
        happened: one sentence.
    """

    title: str
    happened: str


# Each status that the front answers after it has read a request; to others it says _OTHER.
WORDS = {
    400: Words("This request was not understood", "It did not arrive in a form that can be read."),
    403: Words("Not for this address", "This page is only for those who look after the site."),
    405: Words("There is nothing to send here", "This page can only be looked at."),
    408: Words("This took too long to arrive", "The connection was too slow for your request."),
    413: Words("This is too large", "What you sent is larger than this site takes."),
    500: Words("Something went wrong", "The site failed on your request."),
    501: Words("This is not possible here", "The site does not know this kind of request."),
    502: Words("The answer was lost", "The site took your request, and lost the answer to it."),
    503: Words(
        "Please wait a moment",
        "The site is busy or is just being updated, and did not get to your request.",
    ),
    504: Words("This took too long", "The site did not finish your request in time."),
    505: Words("This is not possible here", "The site does not know this version of HTTP."),
}
_NOTHING_KEPT = Words(
    "This did not work", "The site tried several times, and could not finish your request."
)
_OTHER = Words("This did not work", "The site did not take your request.")
_MAY_HELP = frozenset((408, 500, 502, 503, 504))  # to send again what was answered so


class Again(Enum):
    """Tells somebody at a browser whether to send a request again; the value is in the page."""

    BY_ITSELF = "by-itself"  # the page does so
    TRY = "try"  # by a link of the page
    RESEND = "resend"  # by reloading: what was sent is the browser's to send
    NO_USE = "no-use"  # nothing was executed, and nothing ever will be
    UNKNOWN = "unknown"  # it may have been executed, and must not be twice
    EXECUTED = "executed"  # it was, and must not be again


_RESENT = "Reload this page, and confirm if your browser asks."
_SENTENCES = {
    (Again.BY_ITSELF, Executed.NO): "Nothing is lost. This page tries again by itself in a moment.",
    (Again.TRY, Executed.NO): "Nothing was done, and you can try again.",
    (Again.TRY, Executed.NOTHING_KEPT): "Nothing was saved, and you can try again.",
    (Again.TRY, Executed.UNKNOWN): "You can safely try again.",
    (Again.TRY, Executed.YES): "You can safely try again.",
    (Again.RESEND, Executed.NO): f"Nothing was done, so it is safe to send it again. {_RESENT}",
    (Again.RESEND, Executed.NOTHING_KEPT): (
        f"Nothing was saved, so it is safe to send it again. {_RESENT}"
    ),
    (Again.RESEND, Executed.UNKNOWN): f"It is safe to send it again. {_RESENT}",
    (Again.RESEND, Executed.YES): f"It was carried out, and is safe to send again. {_RESENT}",
    (Again.NO_USE, Executed.NO): "Nothing was done. Sending the same again will not help.",
    (Again.UNKNOWN, Executed.UNKNOWN): (
        "It may have been carried out, or not: that is not known. Please look whether it was "
        "before you send it again, and do not reload this page."
    ),
    (Again.EXECUTED, Executed.YES): (
        "It was carried out: please do not send it again, and do not reload this page."
    ),
}


def is_safe_to_send_again(refusal: Refusal, *, repeatable: bool) -> bool:
    """Whether what is sent again can't be executed twice.

    Args:
        repeatable: whether the request may be executed twice, or never is however often it comes.
    """
    return repeatable or refusal.executed in (Executed.NO, Executed.NOTHING_KEPT)


def again_after(refusal: Refusal, method: str, *, repeatable: bool) -> Again:
    """Choose what somebody at a browser is to do.

    Args:
        refusal: the answer.
        method: of the request.
        repeatable: as for `is_safe_to_send_again`.
    """
    if refusal.status not in _MAY_HELP:
        return Again.NO_USE
    if not is_safe_to_send_again(refusal, repeatable=repeatable):
        return Again.EXECUTED if refusal.executed is Executed.YES else Again.UNKNOWN
    if method not in ("GET", "HEAD"):
        return Again.RESEND
    # What an operator took out of the queue must not come back by itself.
    waits = refusal.status == 503 and refusal.executed is Executed.NO and refusal is not WITHDRAWN
    return Again.BY_ITSELF if waits else Again.TRY


def words_for(refusal: Refusal) -> Words:
    """Return what is said of an answer: of its status, as a rule."""
    if refusal.executed is Executed.NOTHING_KEPT:
        return _NOTHING_KEPT
    return WORDS.get(refusal.status, _OTHER)


def sentence_for(again: Again, executed: Executed) -> str:
    """Word what is known of a request, and whether to send it again."""
    return _SENTENCES[again, executed]
