"""Records as Python and the scripts write and read them: the same, on a real server."""

import json
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queueproxy.exceptions import DecodeError
from queueproxy.records import RECORDS, Counted, Held, Lease, Meta, lua_source, pack, parse

SPACES = " \t\n\v\f\r"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SPACES), min_size=1)
numbers = st.integers(0, 10**14 - 1)
VALUES = {str: words, int: numbers, bool: st.booleans()}
VALUES[str | None] = st.none() | words.filter(lambda word: word != "-")


def records_of(record):
    hints = get_type_hints(record)
    return st.builds(record, *(VALUES[hints[field]] for field in record._fields))


any_record = st.one_of(*map(records_of, RECORDS))
# What is nearly a record: words and spaces where they may be and where they may not.
nearly = st.lists(
    words | st.sampled_from([*SPACES, "", "0", "1", "12", "-", "-1", "1.5", "٣", "\x85"]),
    max_size=14,
)


@pytest.fixture(scope="module")
def in_lua(broker_server):
    """Parses a text in Lua and packs it again: the fields, and the text; None where it is none."""
    broker_server.revive()
    client = broker_server.client()

    def call(record, text):
        name = record.__name__.lower()
        source = (
            f"{lua_source()}local record = parse_{name}(ARGV[1])\n"
            f"return record and {{ cjson.encode(record), pack_{name}(record) }}"
        )
        found = client.eval(source, 0, text)
        return found and (json.loads(found[0]), found[1])

    return call


def as_lua_has_it(record) -> dict:
    """Numbers stay text, but those that are counted; what is not there is left out."""
    hints = get_type_hints(type(record), include_extras=True)
    fields = {
        name: str(value) if type(value) is int and hints[name] != Counted else value
        for name, value in record._asdict().items()
    }
    return {name: value for name, value in fields.items() if value is not None}


@given(record=any_record)
@settings(max_examples=300, deadline=None)
def test_there_and_back_in_python(record):
    assert parse(type(record), pack(record)) == record
    assert parse(type(record), pack(record).encode()) == record


@given(record=any_record)
@settings(max_examples=300, deadline=None)
def test_there_and_back_in_lua(in_lua, record):
    fields, text = in_lua(type(record), pack(record))
    assert fields == as_lua_has_it(record)
    assert text == pack(record)


@given(record=st.sampled_from(RECORDS), pieces=nearly, by=st.sampled_from(SPACES))
@settings(max_examples=500, deadline=None)
def test_the_same_is_no_record_to_both(in_lua, record, pieces, by):
    text = by.join(pieces)
    try:
        found = as_lua_has_it(parse(record, text))
    except DecodeError:
        found = None
    told = in_lua(record, text)
    assert (told and told[0].keys()) == (found and found.keys())


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Meta, ""),
        (Meta, "id front 1 2 3 4 - 0"),
        (Meta, "id front 1 2 3 4 - 0 - 5"),
        (Meta, "id front -1 2 3 4 - 0 -"),
        (Meta, "id front 1 2 3 4 - 0 -\n"),
        (Meta, b"\xff front x 2 3 4 - 0 -"),
        (Meta, f"id front 1 2 3 4 - {'9' * 5000} -"),
        (Held, "queue 1-0 5 -"),
        (Held, "queue 1-0 5 0 - -"),
        (Lease, "id 1 1 1 q 1-0 5 0 f 2 yes 0 0 -"),
        (Lease, "id 1 1 1 q 1-0 5 0 f 2 1 0 0"),
    ],
)
def test_not_a_record(record, text):
    with pytest.raises(DecodeError):
        parse(record, text)


@pytest.mark.parametrize(
    "record",
    [
        Meta("", "front", 1, 2, 3, 4),
        Meta("an id", "front", 1, 2, 3, 4),
        Meta("id", "front\n", 1, 2, 3, 4),
        Meta("id", "front", -1, 2, 3, 4),
    ],
)
def test_what_can_not_be_written(record):
    with pytest.raises(ValueError, match="as a record"):
        pack(record)
