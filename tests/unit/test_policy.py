"""`policy` marks whatever may stand in a URLconf, and what it calls stays what it was."""

import copy
import functools
import inspect
import types

import pytest
from django.test import RequestFactory
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from queueproxy.policy import ATTRIBUTE, NOTHING_SAID, Policy, contradictions, policy, policy_of

REQUEST = RequestFactory().get("/")


def said(view) -> dict:
    return getattr(view, ATTRIBUTE, NOTHING_SAID).said()


def plain(request, *, answer="plain"):
    """What it is."""
    return answer


async def asynchronous(request):
    return "async"


class Base(View):
    def get(self, request):
        return type(self).__name__


def test_a_function_is_marked_and_is_called_as_before():
    marked = policy(queue="low", at_most=2)(plain)
    assert said(marked) == {"queue": "low", "at_most": 2}
    assert marked(REQUEST) == "plain"
    assert marked(REQUEST, answer="other") == "other"
    names = ("__name__", "__qualname__", "__module__", "__doc__", "__code__")
    assert all(getattr(marked, name) == getattr(plain, name) for name in names)
    assert not hasattr(marked, "__wrapped__")


def test_the_same_view_elsewhere_is_not_marked():
    policy(queue="low")(plain)
    assert said(plain) == {}


def test_an_asynchronous_view_stays_one():
    assert inspect.iscoroutinefunction(policy(queue="low")(asynchronous))


def test_a_decorated_view_stays_decorated():
    @functools.wraps(plain)
    def outer(request):
        return plain(request)

    marked = policy(repeat=True)(outer)
    assert marked.__wrapped__ is plain
    assert marked(REQUEST) == "plain"


def test_what_decorators_with_wraps_hand_on():
    @functools.wraps(policy(repeat=True)(plain))
    def outer(request): ...

    assert said(outer) == {"repeat": True}


def test_a_class_is_marked_itself_and_hands_it_on():
    @policy(queue="low", repeat=True)
    class Marked(Base): ...

    @policy(queue="high", at_most=3)
    class Closer(Marked): ...

    class Plain(Marked): ...

    assert said(Marked) == said(Plain) == {"queue": "low", "repeat": True}
    assert said(Closer) == {"queue": "high", "repeat": True, "at_most": 3}
    assert said(Base) == {}


def test_a_view_of_a_class_is_marked_apart():
    view = Base.as_view()
    marked = policy(queue="low")(view)
    assert said(marked) == {"queue": "low"}
    assert said(view) == {}
    assert marked.view_class is Base
    assert marked(REQUEST) == "Base"


def test_by_method_decorator():
    @method_decorator(policy(queue="low"), name="dispatch")
    class Marked(Base): ...

    assert said(Marked.as_view()) == {"queue": "low"}
    assert Marked.as_view()(REQUEST) == "Marked"


@pytest.mark.parametrize("decorate", [lambda said: said, method_decorator], ids=["plain", "method"])
def test_on_one_method(decorate):
    class Marked(Base):
        @decorate(policy(at_most=1))
        def post(self, request):
            return super().get(request)

    assert said(Marked.post) == {"at_most": 1}
    assert said(Marked.as_view()) == {}
    assert Marked.as_view()(RequestFactory().post("/")) == "Marked"


def test_partial_and_callable_object():
    partial = functools.partial(plain, answer="part")

    class Feed:
        def __call__(self, request):
            return "feed"

    for view, answer in ((partial, "part"), (Feed(), "feed")):
        marked = policy(queue="low")(view)
        assert said(marked) == {"queue": "low"}
        assert said(view) == {}
        assert marked(REQUEST) == answer


def test_around_include():
    module = types.ModuleType("included")
    module.urlpatterns, module.app_name = [path("a/", plain)], "shop"
    module.handler404 = plain
    marked = policy(queue="low")(policy(queue="high", repeat=True)(include(module)))
    urlconf, app_name, namespace = marked
    assert said(urlconf) == {"queue": "low", "repeat": True}
    assert urlconf.urlpatterns is module.urlpatterns
    assert urlconf.handler404 is plain
    assert (app_name, namespace) == ("shop", "shop")
    assert said(module) == {}
    assert path("", marked).resolve("a/").view_name == "shop:" + f"{__name__}.plain"


def test_a_marked_include_may_be_copied():
    urlconf, *_ = policy(queue="low")(include([path("a/", plain)]))
    assert said(copy.copy(urlconf)) == {"queue": "low"}
    assert len(copy.deepcopy(urlconf).urlpatterns) == 1


def test_around_a_list_of_patterns():
    marked = policy(queue="low")(include([path("a/", plain)]))
    assert path("x/", marked).resolve("x/a/").func is plain


def test_the_outer_one_on_the_same_view_wins_key_by_key():
    marked = policy(queue="low")(policy(queue="high", at_most=1)(plain))
    assert said(marked) == {"queue": "low", "at_most": 1}


@pytest.mark.parametrize("other", ["reports.urls", None, [path("a/", plain)]])
def test_what_can_not_be_marked(other):
    with pytest.raises(TypeError, match="A policy is for a view"):
        policy(queue="low")(other)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"que": "low"}, "'que' is not a key"),
        ({"queue": 1}, "queue is 1"),
        ({"queue": ""}, "the name of a queue"),
        ({"max_hold": "60"}, "a number of seconds"),
        ({"max_hold": True}, "a number of seconds"),
        ({"max_hold": float("nan")}, "a number of seconds"),
        ({"max_hold": 0}, "0.1 to 3600"),
        ({"max_hold": 86_400}, "0.1 to 3600"),
        ({"repeat": "yes"}, "True or False"),
        ({"repeat": 1}, "True or False"),
        ({"exactly_once": 1}, "alias of a database"),
        ({"exactly_once": ""}, "alias of a database"),
        ({"require_key": 1}, "True or False"),
        ({"at_most": 0}, "a whole number"),
        ({"at_most": 2.0}, "a whole number"),
        ({"at_most": True}, "a whole number"),
    ],
)
def test_a_mistake_is_told_and_its_key_left_out(keys, words):
    made = policy_of({"repeat": False, **keys} if "repeat" not in keys else keys)
    (mistake,) = made.mistakes
    assert words in mistake
    assert made.said() == ({} if "repeat" in keys else {"repeat": False})


def test_mistakes_stay_on_the_view():
    marked = policy(queue="low")(policy(colour="red")(plain))
    assert len(getattr(marked, ATTRIBUTE).mistakes) == 1
    assert said(marked) == {"queue": "low"}


@pytest.mark.parametrize("repeat", [True, False])
def test_what_contradicts(repeat):
    assert list(contradictions(Policy(exactly_once=True, repeat=repeat)))
    assert not list(contradictions(Policy(exactly_once=True)))


def test_a_key_is_required_of_exactly_once_views_alone():
    assert list(contradictions(Policy(require_key=True)))
    assert not list(contradictions(Policy(require_key=True, exactly_once="orders")))


@pytest.mark.parametrize(
    ("said", "database"), [(None, ""), (False, ""), (True, "default"), ("orders", "orders")]
)
def test_the_database_in_which_it_happens_once(said, database):
    assert Policy(exactly_once=said).database == database
