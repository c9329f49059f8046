"""Shows times of day with their zone: UTC, which the page's script makes the reader's own."""

from datetime import UTC, datetime

from django import template
from django.utils.dateformat import format as date_text
from django.utils.html import format_html
from django.utils.safestring import SafeString

EXACT = "exact"  # to the millisecond
FORMS = {  # as in times.js
    "clock": "H:i:s",
    "minute": "M j, H:i",
    "moment": "M j, H:i:s",
    EXACT: "M j, H:i:s.u",
}

register = template.Library()


@register.filter
def shown_time(at: datetime, form: str) -> SafeString:
    """Make the element of a moment.

    Args:
        at: with its zone.
        form: of FORMS.
    """
    utc = at.astimezone(UTC)
    text = date_text(utc, FORMS[form])
    return format_html(
        '<time datetime="{}" data-form="{}">{} UTC</time>',
        utc.isoformat(timespec="milliseconds" if form == EXACT else "seconds"),
        form,
        text[:-3] if form == EXACT else text,  # Django tells microseconds
    )
