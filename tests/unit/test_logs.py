import json
import logging
import logging.config
from datetime import datetime, timedelta

import pytest

from queueproxy.logs import JSONFormatter


def line(message="hello", *arguments, extra=None, **options) -> str:
    """What is written of a record, as the logger makes it."""
    logger = logging.Logger("a.name")
    written = []

    class Handler(logging.Handler):
        def emit(self, record):
            written.append(JSONFormatter().format(record))

    logger.addHandler(Handler())
    logger.warning(message, *arguments, extra=extra, **options)
    return written[0]


def test_what_every_record_has():
    fields = json.loads(line("%s waits", "one"))
    at = datetime.fromisoformat(fields.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert abs(at.timestamp() - datetime.now().timestamp()) < 60
    assert isinstance(fields.pop("process"), int)
    assert fields == {"level": "WARNING", "logger": "a.name", "message": "one waits"}


def test_extra_fields_keep_their_types():
    extra = {"status": 200, "wait": 0.25, "queue": "default", "run": None, "tags": ["a"]}
    fields = json.loads(line(extra=extra))
    assert {name: fields[name] for name in extra} == extra


def test_extra_fields_do_not_take_the_place_of_what_is_always_there():
    assert json.loads(line("the message", extra={"level": "x", "time": "x"}))["level"] == "WARNING"


@pytest.mark.parametrize("evil", ["\n", "\r\n", "\x1b[2J", "\x85", "\u2028", "\ud800", '"}\n{"'])
def test_nothing_begins_a_second_line(evil):
    written = line(f"a{evil}b", extra={"path": evil})
    assert len(written.splitlines()) == 1
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written)["path"] == evil


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ({1}, "{1}"),
        ({("a",): 1}, "{('a',): 1}"),
        (b"raw", "b'raw'"),
    ],
)
def test_what_json_does_not_have_is_told_as_text(value, shown):
    assert json.loads(line(extra={"value": value}))["value"] == shown


def test_a_cycle_is_told_as_text():
    value = []
    value.append(value)
    assert json.loads(line(extra={"value": value}))["value"] == "[[...]]"


def test_an_exception_is_a_field():
    try:
        raise ValueError("no\nway")
    except ValueError:
        written = line(exc_info=True)
    assert len(written.splitlines()) == 1
    assert json.loads(written)["exception"].endswith("ValueError: no\nway")


def test_a_stack_is_a_field():
    assert "test_a_stack" in json.loads(line(stack_info=True))["stack"]


def test_settings_may_name_it():
    config = {"version": 1, "formatters": {"json": {"()": "queueproxy.logs.JSONFormatter"}}}
    made = logging.config.DictConfigurator(config).configure_formatter(config["formatters"]["json"])
    assert isinstance(made, JSONFormatter)


def test_the_time_may_be_formatted():
    record = logging.makeLogRecord({"created": 0.0})
    assert JSONFormatter().formatTime(record, "%Y") == "1970"
