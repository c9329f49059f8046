"""Which of the front's own answers are logged, and how."""

import logging

import pytest

from queueproxy.front.http import refusals

SCOPE = {"method": "POST", "raw_path": b"/a/\xe9\r\nb?secret=1", "path": "/a/"}
ALL = [one for one in vars(refusals).values() if isinstance(one, refusals.Refusal)]


@pytest.mark.parametrize("refusal", ALL, ids=lambda one: f"{one.status} {one.detail}")
def test_a_warning_where_the_client_is_not_to_blame(refusal, caplog):
    refusals.log(refusal, "an-id", SCOPE)
    if refusal.status not in (502, 503, 504):
        assert not caplog.records
        return
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("queueproxy.front", logging.WARNING)
    expected = f"{refusal.status} for POST /a/\\xe9\\r\\nb (an-id): {refusal.detail}"
    assert record.getMessage() == expected


def test_where_there_was_no_request_yet(caplog):
    refusals.log(refusals.TOO_MANY_CONNECTIONS, "an-id")
    assert "503 for ? ? (an-id): Too many connections are open." in caplog.text


def test_a_method_as_long_as_a_client_likes(caplog):
    refusals.log(refusals.QUEUE_FULL, "an-id", {**SCOPE, "method": "M" * 5000})
    assert "M" * 17 + "... /a/" in caplog.text
