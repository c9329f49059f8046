"""Which queue a request goes to, and that no fault of a rule's loses it."""

import logging

import pytest

from queueproxy.front.routing import Router, default_queue

QUEUES = ("high", "default", "low")


def scope(path="/", method="GET", headers=()) -> dict:
    return {"path": path, "method": method, "headers": list(headers)}


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        (("high", "default", "low"), "default"),
        (("default", "a"), "default"),
        (("a",), "a"),
        (("a", "b"), "b"),
        (("a", "b", "c"), "b"),
    ],
)
def test_the_default_queue(queues, expected):
    assert default_queue(queues) == expected
    assert Router((), queues)(scope()) == expected


def test_the_first_rule_that_fits_wins():
    rules = [{"path": "/a", "queue": "low"}, {"path": "/a", "queue": "high"}, {"queue": "high"}]
    route = Router(rules, QUEUES)
    assert route(scope("/a/b")) == "low"
    assert route(scope("/b")) == "high"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/1", "low"), ("/v1/api/", "default"), ("/API/", "default"), ("/é", "high")],
)
def test_a_path_is_matched_from_its_start(path, expected):
    rules = [{"path": "/api/", "queue": "low"}, {"path": "/é$", "queue": "high"}]
    assert Router(rules, QUEUES)(scope(path)) == expected


def test_methods_may_be_written_in_either_case():
    route = Router([{"methods": ["post", "PUT"], "queue": "high"}], QUEUES)
    assert [route(scope(method=m)) for m in ("POST", "PUT", "GET")] == ["high", "high", "default"]


def test_all_headers_of_a_rule_must_fit_and_any_line_of_a_header_may():
    route = Router([{"headers": {"X-Plan": "^gold$", "Accept": "json"}, "queue": "high"}], QUEUES)
    json = (b"accept", b"application/json")
    assert route(scope(headers=[(b"x-plan", b"silver"), (b"x-plan", b"gold"), json])) == "high"
    assert route(scope(headers=[(b"x-plan", b"gold")])) == "default"
    assert route(scope(headers=[(b"x-plan", b"golden"), json])) == "default"


def test_header_patterns_see_latin_1_bytes():
    route = Router([{"headers": {"X-Name": "é"}, "queue": "high"}], QUEUES)
    assert route(scope(headers=[(b"x-name", "né".encode("latin-1"))])) == "high"


def test_a_rule_needs_all_it_names():
    route = Router([{"path": "/a", "methods": ["POST"], "queue": "low"}], QUEUES)
    assert [route(scope("/a", "POST")), route(scope("/a")), route(scope("/b", "POST"))] == [
        "low",
        "default",
        "default",
    ]


def test_the_operators_lane_comes_before_every_rule():
    lane = ("ops", lambda scope: scope["path"].startswith("/admin/queueproxy/"))
    route = Router([{"queue": "low"}], QUEUES, ops=lane)
    assert route(scope("/admin/queueproxy/")) == "ops"
    assert route(scope("/admin/")) == "low"


def test_what_the_view_says_counts_where_no_rule_fits():
    route = Router([{"path": "/a", "queue": "low"}], QUEUES)
    assert [route(scope("/a"), "high"), route(scope("/b"), "high")] == ["low", "high"]
    assert route(scope("/b"), "gone") == "default"  # of a release with other queues


# A function of the project's.


def by_path(scope):
    return scope["path"].strip("/")


def broken(scope):
    raise RuntimeError("no")


def silent(scope):
    return None


def unhashable(scope):
    return ["high"]


async def asynchronous(scope):
    return "high"


def function(name: str):
    return Router(f"{__name__}.{name}", QUEUES)


def test_a_function_chooses():
    route = function("by_path")
    assert [route(scope("/high")), route(scope("/low"))] == ["high", "low"]


def test_a_function_may_leave_it_to_the_view(caplog):
    assert function("silent")(scope(), "low") == "low"
    assert function("silent")(scope()) == "default"
    assert not caplog.records


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(
    "name", ["by_path", "broken", "unhashable", "asynchronous", "no_such_function"]
)
def test_a_function_that_fails_loses_no_request_and_is_logged_once(name, caplog):
    route = function(name)
    with caplog.at_level(logging.ERROR, "queueproxy.front"):
        assert {route(scope("/nowhere")) for _ in range(50)} == {"default"}
    assert len(caplog.records) == 1
    assert name in caplog.text


def test_a_module_that_is_missing_is_only_looked_for_when_a_request_comes(caplog):
    route = Router("no_such_module.choose", QUEUES)
    assert not caplog.records
    assert route(scope()) == "default"
    assert "no_such_module" in caplog.text
