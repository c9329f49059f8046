"""Policies: what a view says of its own requests.

    @policy(queue="low", max_hold=120, at_most=2)
    def import_csv(request): ...

    path("reports/", policy(queue="low")(include("reports.urls")))

A policy is an attribute on the view, as Django's ``login_not_required`` has it. Nothing is wrapped
around the view, and nothing happens when it is called. Workers find the policies in the URLconf and
publish them; what is wrong with one is told by a system check, with the view's name.
"""

import functools
import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from .durations import in_seconds

__all__ = ["policy"]

View = TypeVar("View")

ATTRIBUTE = "queueproxy_policy"  # of a view, a class or what `include` gives
LONGEST_HOLD = 3600.0  # seconds
MOST_AT_ONCE = 10_000  # runs of one group
DEFAULT_DATABASE = "default"  # Django's DEFAULT_DB_ALIAS


@dataclass(frozen=True)
class Policy:
    """What is said of a view's requests; None where nothing is.

    Attributes:
        queue: that they wait in. The setting ``ROUTES`` wins.
        max_hold: seconds that a client is held for at most, in place of ``MAX_HOLD``.
        repeat: whether a request may be run again where a worker was lost, whatever its method.
        exactly_once: whether its effects in the database happen once, however often it is tried;
            the alias of the database, where it is not the default one.
        require_key: whether a request without an ``Idempotency-Key`` is refused.
        at_most: how many of them run at the same time, over all workers.
        mistakes: what was said wrongly, in words; no key of a wrong value is above.
    """

    queue: str | None = None
    max_hold: float | None = None
    repeat: bool | None = None
    exactly_once: bool | str | None = None
    require_key: bool | None = None
    at_most: int | None = None
    mistakes: tuple[str, ...] = ()

    def under(self, closer: "Policy") -> "Policy":
        """Merge it with what is said closer to the view, which wins key by key."""
        mistakes = tuple(dict.fromkeys((*self.mistakes, *closer.mistakes)))
        return Policy(**self.said() | closer.said(), mistakes=mistakes)

    @property
    def database(self) -> str:
        """Alias of the database in which effects are to happen once; empty for none."""
        return DEFAULT_DATABASE if self.exactly_once is True else self.exactly_once or ""

    def said(self) -> dict[str, Any]:
        """Return key and value of whatever is said."""
        values = ((key, getattr(self, key)) for key in KEYS)
        return {key: value for key, value in values if value is not None}


KEYS = tuple(field.name for field in fields(Policy) if field.name != "mistakes")
NOTHING_SAID = Policy()


def policy(
    *,
    queue: str | None = None,
    max_hold: float | str | None = None,
    repeat: bool | None = None,
    exactly_once: bool | str | None = None,
    require_key: bool | None = None,
    at_most: int | None = None,
    **unknown: object,
) -> Callable[[View], View]:
    """Say of a view, a class of views or an ``include(...)`` how its requests are to be treated.

    To be the outermost decorator. What a view says wins over what an ``include`` around it says,
    key by key; of two on the same view the outer one wins. What a class says holds for its
    subclasses too, what a method (``post``) says for that method alone.

    Args:
        queue: one of the setting ``QUEUES``.
        max_hold: seconds, 0.1 to `LONGEST_HOLD`; or as text: ``"5m"``.
        repeat: whether a request may be run a second time.
        exactly_once: True, or the alias of a database: its effects there happen once.
        require_key: a request without ``Idempotency-Key`` is refused; with `exactly_once` only.
        at_most: 1 to `MOST_AT_ONCE` at the same time, over all workers.
        unknown: other keys are told by the system check.

    Returns:
        A decorator. A class is marked itself; of anything else a marked copy is returned, so that
        the same view may be in the URLconf a second time without the policy.

    Raises:
        TypeError: what is decorated is neither callable nor what ``include`` returns.
    """
    said: dict[str, object] = {"queue": queue, "max_hold": max_hold, "repeat": repeat}
    said |= {"at_most": at_most, "exactly_once": exactly_once, "require_key": require_key}
    said |= unknown
    return functools.partial(_mark, policy_of(said))


def policy_of(keys: Mapping[str, Any]) -> Policy:
    """Make a policy of its keys; wrong ones are left out and told as its mistakes."""
    good, mistakes = {}, []
    for key, value in keys.items():
        value = in_seconds(value) if key == "max_hold" else value
        mistake = _mistake_in(key, value)
        if mistake:
            mistakes.append(mistake)
        elif value is not None:
            good[key] = value
    return Policy(**good, mistakes=tuple(mistakes))


def contradictions(said: Policy) -> Iterator[str]:
    """Tell what can't be meant together, once all that is said of a view is merged."""
    if said.exactly_once and said.repeat is not None:
        yield f"exactly_once is said together with repeat={said.repeat}: it settles that by itself"
    if said.require_key and not said.exactly_once:
        yield "require_key is said without exactly_once, which alone honours such keys"


def _mistake_in(key: str, value: Any) -> str | None:
    if key not in _RULES:
        return f"{key!r} is not a key; keys are {', '.join(KEYS)}"
    if value is None or _RULES[key][0](value):
        return None
    return f"{key} is {value!r}; it must be {_RULES[key][1]}"


def _is_number(value: Any, least: float, most: float, kinds: tuple[type, ...]) -> bool:
    right = isinstance(value, kinds) and not isinstance(value, bool)
    return right and math.isfinite(value) and least <= value <= most


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "queue": (lambda value: isinstance(value, str) and value != "", "the name of a queue"),
    "max_hold": (
        lambda value: _is_number(value, 0.1, LONGEST_HOLD, (int, float)),
        f"a number of seconds, 0.1 to {LONGEST_HOLD:g}",
    ),
    "repeat": (lambda value: isinstance(value, bool), "True or False"),
    "exactly_once": (
        lambda value: isinstance(value, (bool, str)) and value != "",
        "True, False or the alias of a database",
    ),
    "require_key": (lambda value: isinstance(value, bool), "True or False"),
    "at_most": (
        lambda value: _is_number(value, 1, MOST_AT_ONCE, (int,)),
        f"a whole number, 1 to {MOST_AT_ONCE}",
    ),
}


# Marking.


class MarkedURLconf:
    """What ``include`` found, with a policy for all that is in it.

    Args:
        urlconf: a module, or anything else that Django takes for one; a list of patterns.
        said: of all its views.
    """

    def __init__(self, urlconf: Any, said: Policy):
        self._urlconf = urlconf
        setattr(self, ATTRIBUTE, said)

    @property
    def urlpatterns(self) -> Any:
        return getattr(self._urlconf, "urlpatterns", self._urlconf)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of a copy that is just being made
            raise AttributeError(name)
        return getattr(self._urlconf, name)

    def __repr__(self) -> str:
        return repr(self._urlconf)


def _mark(said: Policy, target: Any) -> Any:
    if isinstance(target, tuple) and len(target) == 3:  # of include(): URLconf, app, namespace
        urlconf, *names = target
        return (MarkedURLconf(urlconf, _said_of(urlconf).under(said)), *names)
    if not callable(target):
        raise TypeError(f"A policy is for a view or for include(...), not for {target!r}.")
    marked = target if isinstance(target, type) else _copy_of(target)
    setattr(marked, ATTRIBUTE, _said_of(target).under(said))
    return marked


def _said_of(target: Any) -> Policy:
    return getattr(target, ATTRIBUTE, NOTHING_SAID)


def _copy_of(view: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(view, types.FunctionType):
        return _copy_of_function(view)
    if isinstance(view, functools.partial):
        copy = functools.partial(view.func, *view.args, **view.keywords)
        vars(copy).update(vars(view))
        return copy
    return functools.update_wrapper(functools.partial(view), view)


def _copy_of_function(view: types.FunctionType) -> types.FunctionType:
    """Copy a function: nothing more is called, and tracebacks are as they were."""
    copy = types.FunctionType(
        view.__code__, view.__globals__, view.__name__, view.__defaults__, view.__closure__
    )
    copy.__kwdefaults__ = view.__kwdefaults__
    functools.update_wrapper(copy, view)
    # Of the copy's attributes one is not the view's: what `update_wrapper` says it wraps.
    attributes = vars(copy)
    if "__wrapped__" in vars(view):
        attributes["__wrapped__"] = vars(view)["__wrapped__"]
    else:
        del attributes["__wrapped__"]
    return copy
