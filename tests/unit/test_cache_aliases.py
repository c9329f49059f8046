"""Whose cache.clear() would empty the queue, and where caches are under --embedded."""

import copy

import pytest
from django.conf import settings
from django.test import override_settings

from queueproxy import cache_aliases, checks, conf

OURS = "django_redis.cache.RedisCache"
DJANGOS = "django.core.cache.backends.redis.RedisCache"
KEY = "k" * 50


@pytest.fixture(autouse=True)
def no_broker_url(monkeypatch):
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE, raising=False)


def cache(location, backend=OURS, **options) -> dict:
    return {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}


def found(caches: dict, **ours) -> list[str]:
    with override_settings(SECRET_KEY=KEY, CACHES=caches, QUEUEPROXY=ours):
        return [message.id.removeprefix("queueproxy.") for message in checks.check_settings(None)]


def test_the_alias_queueproxy_is_the_default_where_there_is_one():
    for caches, alias in (
        ({"default": cache("redis://a"), "queueproxy": cache("redis://b")}, "queueproxy"),
        ({"default": cache("redis://a")}, "default"),
    ):
        with override_settings(CACHES=caches, QUEUEPROXY={}):
            assert conf.get_settings().cache_alias == alias


@pytest.mark.parametrize(
    ("queue", "other", "expected"),
    [
        (cache("redis://h:6379/1"), cache("redis://h:6379/0"), []),
        (cache("redis://h:6379/1"), cache("redis://g:6379/1"), []),
        (cache("redis://h:6379/1"), cache("redis://h:6380/1"), []),
        (cache("redis://h/1"), cache("redis://h:6379/1"), ["E012"]),
        (cache("redis://localhost/1"), cache("redis://127.0.0.1/1"), ["E012"]),
        (cache("redis://u:p@h/1"), cache("rediss://h/1", DJANGOS), ["E012"]),
        (cache("redis://h/1"), cache(["redis://primary/1", "redis://h/1"], DJANGOS), ["E012"]),
        (cache("redis://h/1"), cache("redis://primary/1;redis://h/1", DJANGOS), ["E012"]),
        (cache("unix:///run/v.sock?db=1"), cache("unix:///run/v.sock"), []),
        (cache("unix:///run/v.sock"), cache("unix:///run/v.sock?db=0"), ["E012"]),
        (cache("redis://h/1"), cache("", "django.core.cache.backends.locmem.LocMemCache"), []),
        (cache("redis://h/1"), cache("not an address"), []),
        (
            cache("redis://main/0", SENTINELS=[("s", 1)]),
            cache("redis://main/0", SENTINELS=[("s", 1)]),
            ["E012"],
        ),
        (cache("redis://main/0", SENTINELS=[("s", 1)]), cache("redis://main/0"), []),
    ],
)
def test_a_cache_in_the_queues_database_is_an_error(queue, other, expected):
    caches = {"default": other, "queueproxy": queue}
    assert found(caches) == expected
    assert found(caches, SHARED_DATABASE=True) == []


def test_the_error_says_what_it_costs_and_what_to_do():
    caches = {"default": cache("redis://h/1"), "queueproxy": cache("redis://h/1")}
    with override_settings(SECRET_KEY=KEY, CACHES=caches, QUEUEPROXY={}):
        (message,) = checks.check_settings(None)
    assert "'default'" in message.msg
    assert "deletes every waiting request" in message.msg
    assert "SHARED_DATABASE" in message.hint


def test_a_queue_in_the_default_cache_is_warned_of():
    assert found({"default": cache("redis://h/1")}) == ["W008"]
    assert found({"default": cache("redis://h/1")}, SHARED_DATABASE=True) == []


def test_an_address_of_the_environment_is_compared_with_every_cache(monkeypatch):
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, "redis://h/1")
    assert found({"default": cache("redis://h/0")}) == []
    assert found({"default": cache("redis://h/1")}) == ["E012"]


def test_embedded_gives_each_cache_a_database_of_its_own():
    caches = {
        "default": cache(
            "redis://main/0",
            CLIENT_CLASS="django_redis.client.SentinelClient",
            SENTINELS=[("s", 1)],
            PASSWORD="s3cret",
            SERIALIZER="django_redis.serializers.json.JSONSerializer",
        ),
        "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "pages": cache("redis://h/4", DJANGOS),
    }
    with override_settings(CACHES=copy.deepcopy(caches)):
        cache_aliases.serve_from_embedded("unix:///v.sock")
        given = settings.CACHES
    assert given["default"]["LOCATION"] == "unix:///v.sock?db=1"
    assert list(given["default"]["OPTIONS"]) == ["SERIALIZER"]
    assert given["local"] == caches["local"]
    assert given["pages"]["LOCATION"] == "unix:///v.sock?db=2"
