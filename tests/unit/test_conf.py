"""The settings: defaults, what is refused and in which words, and where the broker is."""

import dataclasses
import math

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from queueproxy import conf
from queueproxy.setting_rules import HEAD_ROOM, MIB, RULES, SMALLEST_REQUEST
from queueproxy.signing import DIGEST_OVER

REDIS = "django_redis.cache.RedisCache"
PASSWORD = "s3cret"
FITS = 6 * MIB - HEAD_ROOM  # bytes of a body, in 4 MiB of FRONT_SPOOL and as much of FRONT_MEMORY


@pytest.fixture(autouse=True)
def no_broker_url(monkeypatch):
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE, raising=False)


def codes(raw) -> list[str]:
    return [problem.code for problem in conf.problems_of(raw)]


def cache(location="redis://127.0.0.1:6379/0", backend=REDIS, **options) -> dict:
    return {"default": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}}


def test_each_key_has_a_rule_and_a_default_that_keeps_it():
    assert list(RULES) == list(conf.KEYS)
    default = dataclasses.asdict(conf.Settings())
    assert {key: rule(default[key.lower()]) for key, rule in RULES.items()} == dict.fromkeys(RULES)


@override_settings(QUEUEPROXY={}, DEBUG=False)
def test_defaults():
    settings = conf.get_settings()
    assert settings.queues == ("high", "default", "low")
    assert settings.all_queues == ("ops", "high", "default", "low")
    assert (settings.max_hold, settings.lease, settings.max_attempts) == (60, 15, 2)
    assert (settings.max_body, settings.max_memory) == (32 * 1024**2, 256 * 1024**2)
    assert settings.retry_methods == ("GET", "HEAD", "OPTIONS", "TRACE")
    assert settings.signing is True


def test_settings_follow_an_override():
    before = conf.get_settings().max_hold
    with override_settings(QUEUEPROXY={"MAX_HOLD": before + 1}):
        assert conf.get_settings().max_hold == before + 1
    assert conf.get_settings().max_hold == before


@pytest.mark.parametrize("debug", [True, False])
def test_server_timing_goes_with_debug(debug):
    with override_settings(QUEUEPROXY={}, DEBUG=debug):
        assert conf.get_settings().server_timing is debug
    with override_settings(QUEUEPROXY={"SERVER_TIMING": not debug}, DEBUG=debug):
        assert conf.get_settings().server_timing is not debug


@override_settings(QUEUEPROXY={"MAX_HOLD": "sixty"})
def test_use_of_a_wrong_value_names_the_key():
    with pytest.raises(ImproperlyConfigured, match=r"QUEUEPROXY\['MAX_HOLD'\].*number of seconds"):
        conf.get_settings()


@pytest.mark.parametrize("raw", [None, [], "x", ("MAX_HOLD", 1)])
def test_what_is_no_dict(raw):
    assert codes(raw) == ["E001"]


def test_a_key_misspelt_is_told_its_right_name():
    (problem,) = conf.problems_of({"MAX_HOLDS": 3})
    assert problem.code == "E002"
    assert problem.hint == "Did you mean 'MAX_HOLD'?"


@pytest.mark.parametrize("key", ["zzz", "max_hold", 7, None])
def test_a_key_unknown(key):
    assert codes({key: 1}) == ["E002"]


GOOD = [
    ("QUEUES", ["a"]),
    ("QUEUES", ("a-1", "0_b", "x" * 40)),
    ("ROUTES", [{"queue": "low"}]),
    ("ROUTES", [{"path": "/a", "methods": ["post"], "headers": {"X": "y"}, "queue": "low"}]),
    ("ROUTES", "shop.queues.choose"),
    ("MAX_HOLD", 0.5),
    *[("VIEW_TIMEOUT", n) for n in (None, 1, 1.5, 86_400)],  # below MAX_HOLD and above it
    ("RETRY_METHODS", []),
    ("RETRY_METHODS", {"GET", "PUT", "DELETE"}),
    ("TRUSTED_PROXIES", ["10.0.0.0/8", "::1", "192.168.1.7", "unix:"]),
    ("ENDPOINTS", None),
    ("ENDPOINTS", "/internal/queue/"),
    ("NAMESPACE", "shop.v2_a-b"),
]


@pytest.mark.parametrize(("key", "value"), GOOD)
def test_values_taken(key, value):
    raw = {key: value, "LEASE": 0.2}
    if key == "QUEUES":
        raw["ROUTES"] = []
    assert codes(raw) == []


BAD = [
    ("CACHE_ALIAS", ""),
    ("CACHE_ALIAS", 3),
    *[("NAMESPACE", name) for name in ("", "a b", "a{b}", "a:b", "x" * 65, None)],
    *[("QUEUES", names) for names in ([], "high", ["a", "a"], ["A"], ["a b"], [""], [1], ["-a"])],
    ("QUEUES", ["ops", "default"]),
    ("QUEUES", ["x" * 41]),
    *[("ROUTES", path) for path in ("nodots", ".a", "a..b", "a b.c", "", 5, {"queue": "low"})],
    ("ROUTES", [["path", "/"]]),
    ("ROUTES", [{"path": "/"}]),
    ("ROUTES", [{"queue": "low", "pth": "/"}]),
    ("ROUTES", [{"queue": "low", "path": "("}]),
    ("ROUTES", [{"queue": "low", "path": b"/"}]),
    ("ROUTES", [{"queue": "low", "methods": "GET"}]),
    ("ROUTES", [{"queue": "low", "headers": ["X"]}]),
    ("ROUTES", [{"queue": "low", "headers": {"X": "("}}]),
    ("ROUTES", [{"queue": "low", "headers": {"X": "€"}}]),
    *[("MAX_HOLD", n) for n in (0, -1, True, "60", None, math.inf, math.nan, 86_401, [1])],
    *[("LEASE", n) for n in (0, "15", False)],
    *[("VIEW_TIMEOUT", n) for n in (0, 0.9, -1, True, "30", math.inf, math.nan, 86_401)],
    *[("MAX_DEPTH", n) for n in (0, 1.5, True, "10", -1)],
    *[("MAX_BODY", n) for n in (0, "32 MiB", 4096 * 1024**2 + 1)],
    ("MAX_MEMORY", 0.5),
    ("FRONT_MEMORY", 4 * 1024**2 - 1),
    *[("FRONT_SPOOL", n) for n in (-1, None, 0.5)],
    *[("FRONT_SPOOL_DIR", x) for x in ("spool", "", 1)],
    *[("MAX_ATTEMPTS", n) for n in (0, 101, 2.0)],
    *[("RETRY_METHODS", [m]) for m in ("POST", "PATCH", "CONNECT", "get", 1)],
    ("RETRY_METHODS", "GET"),
    *[
        ("TRUSTED_PROXIES", x)
        for x in ("10.0.0.1", ["proxy"], [10], ["10.0.0.1/8"], [""], ["unix"], None)
    ],
    *[("SIGNING", x) for x in (1, "yes", None)],
    *[("ENDPOINTS", x) for x in ("", "/", "-/", "/-", "/a b/", "/é/", "//", True)],
    ("SERVER_TIMING", "on"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_values_refused(key, value):
    (problem,) = conf.problems_of({key: value})
    assert problem.code == "E003"
    assert repr(key) in problem.message
    assert problem.hint.startswith("It must be ")


def test_a_post_is_never_run_again_and_the_hint_says_why():
    (problem,) = conf.problems_of({"RETRY_METHODS": ["GET", "POST"]})
    assert "PUT, DELETE" in problem.hint
    assert "never run again" in problem.hint


def test_every_wrong_key_is_told_at_once():
    assert codes({"MAX_HOLD": 0, "LEASE": 0, "nope": 1}) == ["E003", "E003", "E002"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"LEASE": 20, "MAX_HOLD": 10}, "E004"),
        ({"MAX_HOLD": 10}, "E004"),  # against the other's default
        ({"LEASE": 10, "MAX_HOLD": 10}, "E004"),
        ({"LEASE": 9.9, "MAX_HOLD": 10}, "W006"),
        ({"LEASE": 5.1, "MAX_HOLD": 10}, "W006"),
        ({"MAX_BODY": 2, "MAX_MEMORY": 1}, "E005"),
        ({"MAX_MEMORY": (HEAD_ROOM + DIGEST_OVER) * 4 // 3 - 1, "MAX_DEPTH": 1}, "E005"),
        ({"MAX_BODY": FITS + 1, "FRONT_SPOOL": 4 * MIB, "FRONT_MEMORY": 4 * MIB}, "E005"),
        ({"MAX_DEPTH": 3 * MIB + 1, "MAX_MEMORY": 4 * MIB * SMALLEST_REQUEST}, "W007"),
        ({"ROUTES": [{"queue": "lowest"}]}, "E006"),
    ],
)
def test_values_that_do_not_go_together(raw, code):
    assert codes(raw) == [code]


@pytest.mark.parametrize(
    "raw",
    [
        {"LEASE": 5, "MAX_HOLD": 10},
        {"MAX_MEMORY": (HEAD_ROOM + DIGEST_OVER) * 4 // 3, "MAX_DEPTH": 1},
        {"MAX_BODY": FITS, "FRONT_SPOOL": 4 * MIB, "FRONT_MEMORY": 4 * MIB},
        {"MAX_BODY": 2048 * MIB, "MAX_MEMORY": 8 * MIB, "MAX_DEPTH": 100},
        {"MAX_DEPTH": 3 * MIB, "MAX_MEMORY": 4 * MIB * SMALLEST_REQUEST},
    ],
)
def test_values_that_just_go_together(raw):
    assert codes(raw) == []


def test_a_warning_can_be_lived_with():
    with override_settings(QUEUEPROXY={"LEASE": 6, "MAX_HOLD": 10}):
        assert conf.get_settings().lease == 6


def test_wrong_queues_are_not_told_twice():
    assert codes({"QUEUES": ["A"], "ROUTES": [{"queue": "A"}]}) == ["E003"]


def test_signing_secrets():
    keys = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}
    with override_settings(QUEUEPROXY={}, **keys):
        assert conf.signing_secrets() == ("new", "old")
    with override_settings(QUEUEPROXY={"SIGNING": False}, **keys):
        assert conf.signing_secrets() == ()


# Where the broker is.


def test_the_target_is_the_cache_of_the_alias():
    caches = cache(
        ["rediss://h:1/2", "rediss://replica:1/2"],
        USERNAME="u",
        PASSWORD=PASSWORD,
        SOCKET_CONNECT_TIMEOUT=2,
        SOCKET_TIMEOUT=0.1,  # would cut every blocking read
        CONNECTION_POOL_KWARGS={"ssl_cert_reqs": "none", "max_connections": 3, "retry": object()},
    )
    with override_settings(QUEUEPROXY={}, CACHES=caches):
        target = conf.broker().address
    assert target.url == "rediss://h:1/2"
    assert target.options == {
        "ssl_cert_reqs": "none",
        "username": "u",
        "password": PASSWORD,
        "socket_connect_timeout": 2,
    }


def test_the_target_by_sentinel():
    caches = cache(
        "redis://main/3", SENTINELS=[("s1", 26379)], SENTINEL_KWARGS={"password": PASSWORD}
    )
    with override_settings(QUEUEPROXY={}, CACHES=caches):
        target = conf.broker().address
    assert target.sentinels == (("s1", 26379),)
    assert target.sentinel_options == {"password": PASSWORD}


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, "unix:///run/embedded")
    with override_settings(QUEUEPROXY={"CACHE_ALIAS": "missing"}, CACHES={}):
        assert conf.broker().address.url == "unix:///run/embedded"


@pytest.mark.parametrize(
    ("caches", "code"),
    [
        ({}, "E007"),
        (cache(backend="django.core.cache.backends.redis.RedisCache"), "E008"),
        (cache(""), "E008"),
        (cache([]), "E008"),
        (cache(f"redis://:{PASSWORD}/x@h:1/0"), "E008"),  # redis-py would quote it as a port
        (cache(f"http://u:{PASSWORD}@h"), "E008"),
        (cache("127.0.0.1:6379"), "E008"),
        (cache("redis://h:99999/0"), "E008"),
        (cache("redis://h/0?no_such_option=1"), "E008"),
        (cache(PASSWORD=PASSWORD, CONNECTION_POOL_KWARGS={"no_such_option": 1}), "E008"),
        (cache("rediss://h", CONNECTION_POOL_KWARGS={"ssl_cert_reqs": "perhaps"}), "E008"),
        (cache("redis://main/0", SENTINELS=["s1:26379"]), "E008"),
    ],
)
def test_a_cache_that_can_not_carry_the_queue(caches, code):
    with override_settings(QUEUEPROXY={}, CACHES=caches):
        problem = conf.problem_of_alias("default")
        assert problem.code == code
        assert PASSWORD not in f"{problem.message} {problem.hint}"
        with pytest.raises(ImproperlyConfigured):
            conf.broker()


def test_there_are_no_deadlines_with_debug():
    """Somebody may stand at a breakpoint; how long clients are held can be said all the same."""
    with override_settings(QUEUEPROXY={"VIEW_TIMEOUT": 5}, DEBUG=True):
        assert (conf.get_settings().view_timeout, conf.get_settings().max_hold) == (None, 3600)
    with override_settings(QUEUEPROXY={"MAX_HOLD": 30}, DEBUG=True):
        assert conf.get_settings().max_hold == 30
    with override_settings(QUEUEPROXY={"VIEW_TIMEOUT": 5}, DEBUG=False):
        assert (conf.get_settings().view_timeout, conf.get_settings().max_hold) == (5, 60)


def test_debug_may_be_switched_without_a_word():
    """As a test runner does: `setting_changed` tells of no such change."""
    with override_settings(QUEUEPROXY={}, DEBUG=True):
        assert conf.get_settings().max_hold == 3600
        settings.DEBUG = False
        assert conf.get_settings().max_hold == 60
