"""System checks of policies: each mistake with its view, and nothing that a front would import."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from django.db import connections, router, transaction
from django.test import override_settings
from django.urls import include, path, re_path

from queueproxy.policy import policy
from queueproxy.policy_checks import check_policies

from ..urlconfs import Urlconf

ROOT = Path(__file__).parents[2]


def view(request, **kwargs): ...


def messages(*patterns, **queueproxy) -> list[tuple[str, str]]:
    urlconf = Urlconf(*patterns)
    with override_settings(ROOT_URLCONF=urlconf, QUEUEPROXY=queueproxy):
        return [(message.id.partition(".")[2], message.msg) for message in check_policies(None)]


def test_nothing_is_wrong():
    patterns = [path("a/", policy(queue="low", at_most=2)(view)), path("b/", view, name="b")]
    assert messages(*patterns, POLICIES={"b": {"queue": "high"}}) == []


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"colour": "red"}, "E013", "'colour' is not a key"),
        ({"at_most": "2"}, "E013", "at_most is '2'"),
        ({"queue": "slow"}, "E013", "names the queue 'slow'"),
        ({"exactly_once": True, "repeat": False}, "E014", "exactly_once is said together"),
        ({"require_key": True}, "E014", "require_key is said without exactly_once"),
        ({"exactly_once": "gone"}, "E015", "in the database 'gone' nothing can be run"),
    ],
)
def test_a_mistake(keys, code, words):
    found = dict(messages(path("a/", policy(**keys)(view))))
    assert words in found[code]
    assert f"{__name__}.view" in found[code]


def test_what_happens_once_needs_autocommit(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "AUTOCOMMIT", False)
    ((code, words),) = messages(path("a/", policy(exactly_once=True)(view)))
    assert code == "E015"
    assert "in the database 'default' nothing can be run" in words


def test_what_happens_once_needs_a_transaction():
    def own(request): ...

    marked = policy(exactly_once=True)(transaction.non_atomic_requests(own))
    ((code, words),) = messages(path("a/", marked))
    assert code == "E015"
    assert "non_atomic_requests" in words
    own._non_atomic_requests = {"b"}
    assert messages(path("a/", policy(exactly_once=True)(own))) == []


@pytest.mark.parametrize(
    ("engine", "warned"),
    [("db", False), ("signed_cookies", False), ("cache", True), ("cached_db", True)],
)
def test_sessions_outside_of_the_transaction(engine, warned):
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        found = messages(path("a/", policy(exactly_once=True)(view)))
        assert [code for code, _ in found] == ["W012"] * warned
        assert messages(path("a/", view)) == []


def test_sessions_in_another_database(monkeypatch):
    monkeypatch.setattr(router, "db_for_write", lambda model: "b")
    ((code, words),) = messages(path("a/", policy(exactly_once=True)(view)))
    assert (code, "the database 'b'" in words) == ("W012", True)


def test_a_mistake_around_an_include_is_told_once():
    inner = include([path("a/", view), path("b/", view)])
    ((code, words),) = messages(path("r/", policy(colour="red")(inner)))
    assert code == "E013"
    assert "/r/" in words


def test_a_name_that_is_no_view():
    patterns = [path("a/", view, name="a")]
    ((code, words),) = messages(*patterns, POLICIES={"a": {}, "b": {"queue": "low"}})
    assert (code, "'b'" in words) == ("E016", True)


def test_two_limits_for_one_view():
    patterns = [path(f"{n}/", policy(at_most=n)(view)) for n in (1, 2)]
    ((code, words),) = messages(*patterns)
    assert code == "E014"
    assert "to 1 and to 2" in words


@pytest.mark.parametrize(
    ("keys", "code"), [({"queue": "low", "repeat": False}, "W010"), ({"at_most": 2}, "E017")]
)
def test_a_pattern_that_fronts_can_not_know(keys, code):
    ((found, words),) = messages(re_path(r"^(?i:a)/$", policy(**keys)(view)))
    assert found == code
    assert "its expression has flags" in words


def test_wrong_settings_are_told_elsewhere():
    assert messages(path("a/", view), POLICIES={"a": {"colour": "red"}}) == []


def test_it_is_among_the_checks_of_urls():
    assert check_policies in checks.registry.registry.get_checks()
    assert checks.Tags.urls in check_policies.tags
    assert "queueproxy" not in check_policies.tags


def test_a_front_imports_no_url_and_no_view():
    """Neither by its checks, nor as it is loaded, nor as it reads a table."""
    code = (
        "import sys\n"
        "from queueproxy.asgi import application\n"
        "from django.core.checks import run_checks\n"
        "run_checks(tags=['queueproxy'])\n"
        "import queueproxy.front.known_routes, queueproxy.route_table\n"
        "ours = [name for name in sys.modules if name.startswith('project')]\n"
        "print(sorted(ours))\n"
        "assert not {'project.urls', 'project.things.urls', 'project.things.views'} & set(ours)\n"
        "assert not [name for name in sys.modules if name.startswith('queueproxy.worker.')]\n"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "project.settings", "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT, env=environment)
