"""Times of day: each says its zone, and the page's script knows every form."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.test import override_settings

import queueproxy
from queueproxy.templatetags.queueproxy_times import FORMS, shown_time

PACKAGE = Path(queueproxy.__file__).parent
AT = datetime(2026, 11, 27, 22, 30, 5, tzinfo=timezone(timedelta(hours=-3)))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("clock", "01:30:05 UTC"),
        ("minute", "Nov 28, 01:30 UTC"),
        ("moment", "Nov 28, 01:30:05 UTC"),
    ],
)
@override_settings(TIME_ZONE="America/Bogota", USE_TZ=True)
def test_it_is_told_in_utc_wherever_the_server_is(form, text):
    element = shown_time(AT, form)
    assert element == f'<time datetime="2026-11-28T01:30:05+00:00" data-form="{form}">{text}</time>'
    assert shown_time(AT.astimezone(UTC), form) == element


def test_steps_of_a_request_are_told_to_the_millisecond():
    element = shown_time(AT.replace(microsecond=7999), "exact")
    assert 'datetime="2026-11-28T01:30:05.007+00:00"' in element
    assert ">Nov 28, 01:30:05.007 UTC<" in element


def test_the_script_knows_each_form():
    script = (PACKAGE / "static" / "queueproxy" / "times.js").read_text()
    known = script.partition("const FORMS = {")[2].partition("};")[0]
    assert set(FORMS) <= set(re.findall(r"^ +(\w+)[:,]", known, re.MULTILINE))


def test_no_template_tells_a_time_in_another_way():
    for template in (PACKAGE / "templates" / "queueproxy").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"\|(date|time)\b|{% now\b|<time\b", text), template
