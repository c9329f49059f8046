"""Whose cache.clear() would empty the queue, and where caches are under --embedded."""

import copy
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache as DjangosCache
from django.test import override_settings
from django_redis.cache import RedisCache as OursCache

import queueproxy
from queueproxy import cache_aliases, checks, conf
from queueproxy.apps import QueueProxyConfig

OURS = "django_redis.cache.RedisCache"
DJANGOS = "django.core.cache.backends.redis.RedisCache"
KEY = "k" * 50


class Ours(OursCache):
    """A project's own, of django-redis'."""


class Djangos(DjangosCache):
    """A project's own, of Django's."""


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
        # The number elsewhere than in the URL, which counts where both have one.
        (cache("redis://h/1"), cache("redis://h", DJANGOS, db="1"), ["E012"]),
        (cache("redis://h/1"), cache("redis://h", DJANGOS, db=1), ["E012"]),
        (cache("redis://h/1"), cache("redis://h/0", DJANGOS, db=1), []),
        (cache("redis://h/1"), cache("redis://", DJANGOS, host="h", port="6379", db=1), ["E012"]),
        (cache("redis://h/1"), cache("redis://h", DJANGOS, db="one"), []),
        (cache("redis://h/1"), cache("redis://h", CONNECTION_POOL_KWARGS={"db": 1}), ["E012"]),
        (cache("redis://h/1"), cache("redis://h/0", CONNECTION_POOL_KWARGS={"db": 1}), []),
        (
            cache("redis://h/1"),
            cache("redis://h/1", DJANGOS, CONNECTION_POOL_KWARGS=None),
            ["E012"],
        ),
        (cache("redis://h", CONNECTION_POOL_KWARGS={"db": 1}), cache("redis://h/1"), ["E012"]),
        (cache("redis://h", CONNECTION_POOL_KWARGS={"db": 1}), cache("redis://h/0"), []),
        # A backend of the project's own.
        (cache("redis://h/1"), cache("redis://h/1", f"{__name__}.Ours"), ["E012"]),
        (cache("redis://h/1"), cache("redis://h", f"{__name__}.Djangos", db=1), ["E012"]),
        (cache("redis://h/1"), cache("redis://h/1", f"{__name__}.cache"), []),
        (cache("redis://h/1"), cache("redis://h/1", f"{__name__}.nobody"), []),
        # The same server by another name.
        (cache("redis://h/1"), cache("redis://H./1"), ["E012"]),
        (cache("redis://localhost./1"), cache("redis://[::1]/1"), ["E012"]),
        (cache("unix:///tmp/v?db=1"), cache("unix:///tmp/../tmp/v?db=1"), ["E012"]),
    ],
)
def test_a_cache_in_the_queues_database_is_an_error(queue, other, expected):
    caches = {"default": other, "queueproxy": queue}
    assert found(caches) == expected
    assert found(caches, SHARED_DATABASE=True) == []


def test_a_socket_is_known_by_a_link_to_it(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path)
    queue, other = cache(f"unix://{tmp_path}/v.sock"), cache(f"unix://{tmp_path}/run/v.sock")
    assert found({"default": other, "queueproxy": queue}) == ["E012"]


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
    assert found({"default": cache("redis://h/1"), "queueproxy": cache("redis://h/0")}) == ["E012"]


def test_the_queues_own_cache_may_be_where_the_address_of_the_environment_is(monkeypatch):
    """As another user, say."""
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, "redis://front:secret@h/1")
    caches = {"default": cache("redis://h/0"), "queueproxy": cache("redis://h/1")}
    assert found(caches) == []
    caches["q"] = caches.pop("queueproxy")
    assert found(caches, CACHE_ALIAS="q") == []


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
        "pages": cache("rediss://h/4", DJANGOS, db="4", ssl_cert_reqs=None, port=1),
        "own": cache("redis://h/5", f"{__name__}.Ours", CONNECTION_POOL_KWARGS={"db": 5}),
        "own pages": cache("redis://h", f"{__name__}.Djangos", db=5, max_connections=5),
        "broken": cache("redis://h", f"{__name__}.nobody"),
    }
    with override_settings(CACHES=copy.deepcopy(caches)):
        cache_aliases.serve_from_embedded("unix:///v.sock")
        cache_aliases.serve_from_embedded("unix:///v.sock")  # a second time changes nothing
        given = settings.CACHES
    assert given["default"]["LOCATION"] == "unix:///v.sock?db=1"
    assert list(given["default"]["OPTIONS"]) == ["SERIALIZER"]
    assert given["local"] == caches["local"]
    assert given["pages"] == cache("unix:///v.sock?db=3", DJANGOS)
    assert given["own"] == cache("unix:///v.sock?db=4", f"{__name__}.Ours")
    assert given["own pages"] == cache(
        "unix:///v.sock?db=5", f"{__name__}.Djangos", max_connections=5
    )
    assert given["broken"] == caches["broken"]


def test_embedded_finds_a_class_that_can_be_imported_after_the_models_alone(monkeypatch):
    caches = {"default": cache("redis://h", "imports_models.Cache")}
    monkeypatch.setenv(conf.EMBEDDED_URL_VARIABLE, "unix:///v.sock")
    with override_settings(CACHES=caches):
        app = QueueProxyConfig("queueproxy", queueproxy)
        assert caches["default"]["LOCATION"] == "redis://h"
        monkeypatch.setitem(sys.modules, "imports_models", SimpleNamespace(Cache=Ours))
        app.ready()
    assert caches["default"]["LOCATION"] == "unix:///v.sock?db=1"
