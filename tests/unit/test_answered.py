"""What is noted of a request that is over, and what is not."""

import json

import pytest

from queueproxy.broker.answered import (
    MOST_OF_A_REPORT,
    NOTABLE,
    ORDINARY,
    AnsweredNotes,
    decode_answered,
)
from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.counters import Counting
from queueproxy.envelopes import RequestHead
from queueproxy.route_table import OPS_QUEUE


def head_of(id: str = "r1") -> RequestHead:
    headers = [("Cookie", "sessionid=secret")]
    path = "/things/7/ann@example.org/"
    return RequestHead(
        "a", id, "GET", path, "q=secret", headers, "http", "1.1", "f", "default", 1, 2, 5
    )


def settled(
    outcome: str = "answered", *, id: str = "r1", attempt: int = 1, queue="default", **fields
) -> Settlement:
    claim = Claim("a", queue, "1700-1", attempt, 20, "1", b"", b"", b"", "f", 2)
    fields = {"status": 200, "ran": 0.3, "route": "/things/<int:id>/", **fields}
    return Settlement(claim, outcome, head=head_of(id), first_byte=0.1, **fields)


def taken(*settlements: Settlement, kept: int = 10) -> list[tuple[str, bytes]]:
    """Kind and note of each."""
    notes = AnsweredNotes(kept)
    for settlement in settlements:
        notes.add(settlement)
    by_kind = notes.take("worker-1", "v7")
    assert not notes
    return [(kind, text) for kind, texts in by_kind.items() for text in texts]


def test_a_note():
    ((kind, text),) = taken(settled())
    assert kind == ORDINARY
    assert json.loads(text) == [
        *("r1", "GET", "/things/<int:id>/", "default", 200, "answered", 5, "1700-1"),
        *(20, 100, 300, 1, "worker-1", "v7"),
    ]
    assert decode_answered(text).first_byte_ms == 100


def test_nothing_of_a_person_is_in_it():
    ((_, raw),) = taken(settled())
    text = raw.decode()
    assert not any(word in text for word in ("secret", "ann@", "/7/"))


@pytest.mark.parametrize(
    "settlement",
    [
        settled(status=500),
        settled(status=503),
        settled(attempt=2),
        settled(ran=0.99),
        settled("abandoned", status=0),
    ],
)
def test_what_is_notable(settlement):
    assert taken(settlement)[0][0] == NOTABLE


@pytest.mark.parametrize("settlement", [settled(status=404), settled(ran=0.97)])
def test_what_is_ordinary(settlement):
    assert taken(settlement)[0][0] == ORDINARY


@pytest.mark.parametrize(
    "settlement",
    [
        settled("bad_response"),  # a dead letter is kept
        settled("released"),
        settled("deferred"),
        settled(queue=OPS_QUEUE),
        settled()._replace(head=None),
    ],
)
def test_what_is_not_noted(settlement):
    assert taken(settlement) == []


def test_off():
    assert taken(settled(), kept=0) == []


def test_of_many_the_newest_are_told():
    told = taken(*(settled(id=f"r{n}") for n in range(5)), kept=3)
    assert [json.loads(text)[0] for _, text in told] == ["r2", "r3", "r4"]
    most = taken(*[settled()] * (MOST_OF_A_REPORT + 1), kept=50_000)
    assert len(most) == MOST_OF_A_REPORT


def test_they_travel_with_what_is_counted():
    counting = Counting("v7")
    counting.keep_answered(100)
    counting.settled(settled())
    assert counting.pending
    worker, release, completed, routes, kept, ordinary, notable, text, *rest = counting.take("w")
    assert (worker, release, completed, routes) == ("w", "v7", 1, 1)
    assert (kept, ordinary, notable, json.loads(text)[0]) == (100, 1, 0, "r1")
    assert rest[0] == "/things/<int:id>/"
    assert not counting.pending


def test_one_whose_client_left_is_told_though_nothing_was_counted():
    counting = Counting()
    counting.keep_answered(100)
    counting.settled(settled("abandoned", status=0, route=""))
    assert counting.pending
    assert counting.take("w")[5:7] == (0, 1)
