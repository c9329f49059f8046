"""Words figures as people read them."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..broker.observe.not_served import WORDS, NotServed

UNKNOWN = "\N{EN DASH}"


def duration(seconds: float | None) -> str:
    """Word a length of time in at most six characters or so."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0.9995:
        return _("%d ms") % round(seconds * 1000)
    if seconds < 99.95:
        return _("%.1f s") % seconds
    minutes = seconds / 60
    if minutes < 100:
        return _("%d min") % round(minutes)
    hours = minutes / 60
    return _("%d h") % round(hours) if hours < 72 else _("%d d") % round(hours / 24)


def megabytes(size: int) -> str:
    """Word bytes as MiB; unknown where 0."""
    return _("%.0f MiB") % (size / 2**20) if size else UNKNOWN


def moment(seconds: float) -> datetime:
    """Word a time of the broker's clock."""
    return datetime.fromtimestamp(seconds, UTC)


def not_served_text(found: NotServed) -> str:
    """Word how many were not served as wanted; empty for none."""
    errors = ngettext("%d error of a view", "%d errors of views", found.view_errors)
    parts = (
        (found.turned_away, _("%d turned away")),
        (found.lost, _("%d lost")),
        (found.too_late, _("%d too late")),
        (found.view_errors, errors),
    )
    return ", ".join(text % number for number, text in parts if number)


def reason_text(reason: str) -> str:
    """Word why a request was not served as wanted; what is not known as it is."""
    return _(WORDS[reason]) if reason in WORDS else reason
