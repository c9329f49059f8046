"""Lengths of time and rates as people write them, on the command line and in settings."""

import argparse

import pytest
from django.test import override_settings

from queueproxy import conf
from queueproxy.cli.options import nonnegative_seconds, positive_seconds, rate
from queueproxy.durations import rate_of, seconds_of
from queueproxy.policy import policy_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("0", 0), ("1.5", 1.5), ("1e3", 1000), (" 5m ", 300), ("90s", 90)),
        *(("250ms", 0.25), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400), ("1m0.5s", 60.5)),
    ],
)
def test_a_length_of_time(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "5 m",
        "-5",
        "5x",
        "5mm",
        "5m5m",
        "nan",
        "inf",
        "1e999",
        "\u0665m",
        "5m30",
        "0x5",
        "5M",
    ],
)
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match=r"is not a length|twice|too long"):
        seconds_of(text)
    with pytest.raises(argparse.ArgumentTypeError):
        positive_seconds(text)


@pytest.mark.parametrize(
    ("text", "a_second"), [("50", 50), ("50/s", 50), ("30/m", 0.5), ("36/h", 0.01), ("0.5/s", 0.5)]
)
def test_a_rate(text, a_second):
    assert rate_of(text) == rate(text) == pytest.approx(a_second)


@pytest.mark.parametrize("text", ["", "0/s", "50/ms", "50/x", "-1", "/m", "nan/s", "50/m/m"])
def test_what_is_no_rate(text):
    with pytest.raises(argparse.ArgumentTypeError):
        rate(text)


def test_no_time_at_all():
    assert nonnegative_seconds("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="no time"):
        positive_seconds("0ms")


def test_in_settings():
    raw = {"MAX_HOLD": "2m", "LEASE": "20s", "VIEW_TIMEOUT": "1m30s", "KEEP_EXECUTIONS": "7d"}
    with override_settings(QUEUEPROXY=raw):
        settings = conf.get_settings()
    assert (settings.max_hold, settings.lease, settings.view_timeout) == (120, 20, 90)
    assert settings.keep_executions == 7 * 86_400


@pytest.mark.parametrize(
    ("key", "value"),
    [("MAX_HOLD", "2 minutes"), ("LEASE", ""), ("MAX_HOLD", "2d"), ("LEASE", "20")],
)
def test_in_settings_that_are_wrong(key, value):
    (problem,) = conf.problems_of({key: value})
    assert problem.code == "E003"
    assert repr(value) in problem.message


def test_those_of_settings_are_compared_as_times():
    (problem,) = conf.problems_of({"MAX_HOLD": "1m", "LEASE": "2m"})
    assert problem.code == "E004"


def test_in_a_policy():
    assert policy_of({"max_hold": "2m"}).max_hold == 120
    assert policy_of({"max_hold": "2h"}).mistakes
    assert policy_of({"max_hold": "soon"}).mistakes
    assert policy_of({"max_hold": "60"}).mistakes
