"""System checks: ids, words, and what is asked of a server."""

import pytest
from django.conf import settings
from django.core import checks as django_checks
from django.core.management import CommandError, call_command, get_commands
from django.test import override_settings

from queueproxy import checks, conf

FIT = {
    "redis_version": "7.2.4",
    "role": "master",
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
}
LONG_KEY = "k" * 50


@pytest.fixture(autouse=True)
def no_broker_url(monkeypatch):
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE, raising=False)


def ids(messages) -> list[str]:
    return [message.id for message in messages]


def of_settings(**settings) -> list:
    with override_settings(**{"SECRET_KEY": LONG_KEY, "QUEUEPROXY": {}, **settings}):
        return checks.check_settings(None)


def of_server(**info) -> list[str]:
    return [problem.code for problem in checks.problems_of_server(FIT | info)]


def test_the_example_project_has_no_problem():
    assert of_settings() == []


def test_check_names_the_key_and_fails():
    with (
        override_settings(QUEUEPROXY={"MAX_HOLDS": 3, "LEASE": "x"}),
        pytest.raises(CommandError) as failure,
    ):
        call_command("check")
    words = str(failure.value)
    assert "queueproxy.E002" in words
    assert "Did you mean 'MAX_HOLD'?" in words
    assert "queueproxy.E003" in words
    assert "QUEUEPROXY['LEASE']" in words


def test_what_is_wrong_can_not_be_used():
    raw = {"LEASE": 70}
    assert ids(of_settings(QUEUEPROXY=raw)) == ["queueproxy.E004"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"CACHES": {}}, "queueproxy.E007"),
        (
            {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}},
            "queueproxy.E008",
        ),
        ({"ASGI_APPLICATION": None}, "queueproxy.W001"),
        ({"QUEUEPROXY": {"LEASE": 40}}, "queueproxy.W006"),
        ({"SECRET_KEY": "short"}, "queueproxy.W002"),
        (
            {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}},
            "queueproxy.W011",
        ),
    ],
)
def test_settings_around_ours(settings, expected):
    (message,) = of_settings(**settings)
    assert message.id == expected
    assert message.hint
    assert message.level == (django_checks.ERROR if ".E" in expected else django_checks.WARNING)


def test_a_runserver_that_goes_past_the_queue_is_told(request):
    request.addfinalizer(get_commands.cache_clear)
    apps = [name for name in settings.INSTALLED_APPS if name != "queueproxy"]
    with override_settings(INSTALLED_APPS=[*apps, "queueproxy"]):
        get_commands.cache_clear()
        (message,) = of_settings()
    assert message.id == "queueproxy.W014"
    assert "runserver is that of django.contrib.staticfiles" in message.msg
    assert "above it" in message.hint


def test_a_channel_layer_on_a_server_is_no_matter():
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://h"]}}
    assert of_settings(CHANNEL_LAYERS={"default": layer}) == []


def test_a_short_key_is_no_matter_without_signing():
    assert of_settings(SECRET_KEY="short", QUEUEPROXY={"SIGNING": False}) == []


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["E009"]),
        ({"maxmemory_policy": "volatile-ttl"}, ["E009"]),
        ({"redis_version": "6.2.14"}, ["E010"]),
        ({"redis_version": "7.0.15"}, []),
        ({"redis_version": "10.0.0"}, []),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, []),
        ({"redis_version": "6.0.0", "maxmemory_policy": "allkeys-lfu"}, ["E009", "E010"]),
        ({"role": "slave"}, ["W004"]),
        ({"maxmemory": 256 * 1024**2}, ["W005"]),
        ({"maxmemory": 257 * 1024**2}, ["W005"]),
        ({"maxmemory": (256 + 64 + 16) * 1024**2 - 1}, ["W005"]),
        ({"maxmemory": (256 + 64 + 16) * 1024**2}, []),
    ],
)
@override_settings(QUEUEPROXY={})
def test_servers(info, expected):
    assert of_server(**info) == expected


def choose(scope):
    return "low"


NO_FUNCTION = "choose"


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([], []),
        (f"{__name__}.choose", []),
        (f"{__name__}.NO_FUNCTION", ["queueproxy.E011"]),
        (f"{__name__}.missing", ["queueproxy.E011"]),
        ("no_such_module.choose", ["queueproxy.E011"]),
    ],
)
def test_the_function_of_routes_is_looked_for_with_deploy_only(routes, expected):
    with override_settings(SECRET_KEY=LONG_KEY, QUEUEPROXY={"ROUTES": routes}):
        assert ids(checks.check_routes_function(None)) == expected
        assert checks.check_settings(None) == []


def test_an_absent_server_is_a_warning_of_deploy_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, f"unix://{tmp_path}/nobody")
    (message,) = checks.check_server(None)
    assert message.id == "queueproxy.W003"
    assert checks.check_settings(None) == []
    registered = django_checks.registry.registry
    assert checks.check_server in registered.deployment_checks
    assert checks.check_settings in registered.registered_checks


@pytest.mark.parametrize(
    ("listed", "trusted", "named"),
    [
        (None, [], None),
        ("", [], None),
        ("127.0.0.1", ["127.0.0.1"], None),
        ("10.1.0.0/16, ::1", ["10.0.0.0/8", "::1"], None),
        ("127.0.0.1", [], "127.0.0.1"),
        ("*", ["127.0.0.1"], "*"),
        ("10.0.0.0/8,127.0.0.1", ["10.1.0.0/16", "127.0.0.1", "unix:"], "10.0.0.0/8"),
        ("proxy,::1", ["0.0.0.0/0"], "proxy, ::1"),
    ],
)
def test_what_a_server_believes_by_itself(monkeypatch, listed, trusted, named):
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if listed is not None:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", listed)
    found = [one.msg for one in of_settings(QUEUEPROXY={"TRUSTED_PROXIES": trusted})]
    expected = [f"FORWARDED_ALLOW_IPS names {named}, which"] if named else []
    assert [text.partition(" QUEUE")[0] for text in found if "FORWARDED" in text] == expected
