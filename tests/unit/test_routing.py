"""Which queue a request goes to, and that no fault of a rule's loses it."""

import logging

import pytest

from queueproxy.front.routing import compile_routes, default_queue

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
    assert compile_routes((), queues)(scope()) == expected


def test_the_first_rule_that_fits_wins():
    rules = [{"path": "/a", "queue": "low"}, {"path": "/a", "queue": "high"}, {"queue": "high"}]
    route = compile_routes(rules, QUEUES)
    assert route(scope("/a/b")) == "low"
    assert route(scope("/b")) == "high"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/1", "low"), ("/v1/api/", "default"), ("/API/", "default"), ("/é", "high")],
)
def test_a_path_is_matched_from_its_start(path, expected):
    rules = [{"path": "/api/", "queue": "low"}, {"path": "/é$", "queue": "high"}]
    assert compile_routes(rules, QUEUES)(scope(path)) == expected


def test_methods_may_be_written_in_either_case():
    route = compile_routes([{"methods": ["post", "PUT"], "queue": "high"}], QUEUES)
    assert [route(scope(method=m)) for m in ("POST", "PUT", "GET")] == ["high", "high", "default"]


def test_all_headers_of_a_rule_must_fit_and_any_line_of_a_header_may():
    route = compile_routes(
        [{"headers": {"X-Plan": "^gold$", "Accept": "json"}, "queue": "high"}], QUEUES
    )
    json = (b"accept", b"application/json")
    assert route(scope(headers=[(b"x-plan", b"silver"), (b"x-plan", b"gold"), json])) == "high"
    assert route(scope(headers=[(b"x-plan", b"gold")])) == "default"
    assert route(scope(headers=[(b"x-plan", b"golden"), json])) == "default"


def test_header_patterns_see_latin_1_bytes():
    route = compile_routes([{"headers": {"X-Name": "é"}, "queue": "high"}], QUEUES)
    assert route(scope(headers=[(b"x-name", "né".encode("latin-1"))])) == "high"


def test_a_rule_needs_all_it_names():
    route = compile_routes([{"path": "/a", "methods": ["POST"], "queue": "low"}], QUEUES)
    assert [route(scope("/a", "POST")), route(scope("/a")), route(scope("/b", "POST"))] == [
        "low",
        "default",
        "default",
    ]


def test_the_operators_lane_comes_before_every_rule():
    lane = ("ops", lambda scope: scope["path"].startswith("/admin/queueproxy/"))
    route = compile_routes([{"queue": "low"}], QUEUES, ops=lane)
    assert route(scope("/admin/queueproxy/")) == "ops"
    assert route(scope("/admin/")) == "low"


# A function of the project's.


def by_path(scope):
    return scope["path"].strip("/")


def broken(scope):
    raise RuntimeError("no")


def unhashable(scope):
    return ["high"]


async def asynchronous(scope):
    return "high"


def function(name: str):
    return compile_routes(f"{__name__}.{name}", QUEUES)


def test_a_function_chooses():
    route = function("by_path")
    assert [route(scope("/high")), route(scope("/low"))] == ["high", "low"]


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
    route = compile_routes("no_such_module.choose", QUEUES)
    assert not caplog.records
    assert route(scope()) == "default"
    assert "no_such_module" in caplog.text
