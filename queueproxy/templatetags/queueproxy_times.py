"""Shows times of day with their zone: UTC, which the page's script makes the reader's own."""

from datetime import UTC, datetime

from django import template
from django.utils.dateformat import format as date_text
from django.utils.html import format_html
from django.utils.safestring import SafeString

FORMS = {"clock": "H:i:s", "minute": "M j, H:i", "moment": "M j, H:i:s"}  # as in times.js

register = template.Library()


@register.filter
def shown_time(at: datetime, form: str) -> SafeString:
    """Make the element of a moment.

    Args:
        at: with its zone.
        form: of FORMS.
    """
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-form="{}">{} UTC</time>',
        utc.isoformat(timespec="seconds"),
        form,
        date_text(utc, FORMS[form]),
    )
