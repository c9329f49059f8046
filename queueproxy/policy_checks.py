"""System checks of policies: what is said wrongly, and what fronts can't know.

They import the project's views, so they belong to Django's checks of URLs: a front runs none of
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import router

from . import conf
from .exactly_once.sessions import is_supported
from .policy import contradictions
from .wording import did_you_mean

if TYPE_CHECKING:
    from .worker.policy_survey import Survey, Surveyed
    from .worker.view_policies import MethodPolicy

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
SESSIONS_IN_DATABASE = "django.contrib.sessions.backends.db"
NO_OTHER_PLACE = ("django.contrib.sessions.backends.signed_cookies",)  # in the answer itself
NEEDS_FRONT = ("at_most", "exactly_once")  # what a worker can't make up for


@checks.register(checks.Tags.urls)
def check_policies(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Check the policies of all views in the URLconf, and that POLICIES names views."""
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return []
    try:
        settings, by_name = conf.get_settings(), conf.policies_by_name()
    except ImproperlyConfigured:
        return []  # check_settings tells
    from .worker.policy_survey import survey  # a front has no use for it

    found = survey(by_name)
    views = found.views
    messages = [*_of_names(by_name, views), *_of_groups(views), *_of_sessions(found)]
    for view in views:
        for said in view.view.policies:
            messages += _of_sayings(said, settings.queues)
            messages += _of_whole(view, said)
        messages += _of_left_out(view)
    return list({message.msg: message for message in messages}.values())


def _error(number: int, words: str, hint: str) -> checks.CheckMessage:
    return checks.Error(words, hint, id=f"queueproxy.E{number:03}")


def _of_sayings(said: "MethodPolicy", queues: Sequence[str]) -> Iterator[checks.CheckMessage]:
    for by, policy in said.sayings:
        for mistake in policy.mistakes:
            yield _error(13, f"The policy of {by}: {mistake}.", "See docs/policy.md.")
        if policy.queue is not None and policy.queue not in queues:
            yield _error(
                13,
                f"The policy of {by} names the queue {policy.queue!r}, which QUEUES does not."
                f"{did_you_mean(policy.queue, queues)}",
                f"Queues: {', '.join(queues)}.",
            )


def _of_whole(view: "Surveyed", said: "MethodPolicy") -> Iterator[checks.CheckMessage]:
    where = f"The policy of {view.view.name} ({view.view.shown})"
    for words in contradictions(said.policy):
        yield _error(14, f"{where}: {words}.", "Say one of them.")
    database = said.policy.database
    if database and not is_supported(database):
        yield _error(
            15,
            f"{where}: in the database {database!r} nothing can be run exactly once.",
            "Name one of DATABASES on PostgreSQL, MariaDB, MySQL or SQLite, with AUTOCOMMIT.",
        )
    elif database and database in getattr(view.view.callback, "_non_atomic_requests", ()):
        yield _error(
            15,
            f"{where}: exactly_once is said together with non_atomic_requests.",
            "Effects happen once only within a transaction: say one of them.",
        )


def _of_sessions(found: "Survey") -> Iterator[checks.CheckMessage]:
    """Look whether sessions are saved where the effects are."""
    databases = found.databases
    engine = django_settings.SESSION_ENGINE
    if not databases or SESSIONS not in django_settings.MIDDLEWARE or engine in NO_OTHER_PLACE:
        return
    if engine == SESSIONS_IN_DATABASE:
        place = router.db_for_write(apps.get_model("sessions", "Session"))
        if databases == {place}:
            return
        engine = f"the database {place!r}"
    yield checks.Warning(
        f"Views say exactly_once, and sessions are kept in {engine}: what such a view changes in "
        "the session may be saved without its other effects, or twice.",
        f"Use {SESSIONS_IN_DATABASE!r} in the same database, or change no session there.",
        id="queueproxy.W012",
    )


def _of_groups(views: Sequence["Surveyed"]) -> Iterator[checks.CheckMessage]:
    limits: dict[str, int] = {}
    for view in views:
        for said in view.view.policies:
            most = said.policy.at_most
            if said.group and most and limits.setdefault(said.group, most) != most:
                yield _error(
                    14,
                    f"The policies of {said.group} limit it to {limits[said.group]} and to {most} "
                    "at the same time.",
                    "Say at_most once for each view.",
                )


def _of_names(
    by_name: Mapping[str, object], views: Sequence["Surveyed"]
) -> Iterator[checks.CheckMessage]:
    known = {name for view in views for name in view.view.names}
    for name in by_name:
        if name not in known:
            yield _error(
                16,
                f"QUEUEPROXY['POLICIES'] names {name!r}, which is no view of the URLconf."
                f"{did_you_mean(name, known)}",
                "Give the view's name in the URLconf ('shop:checkout') or the path to its code "
                "('shop.views.checkout').",
            )


def _of_left_out(view: "Surveyed") -> Iterator[checks.CheckMessage]:
    if not view.left_out:
        return
    keys = sorted({key for said in view.view.policies for key in said.policy.said()})
    lost = [key for key in keys if key in NEEDS_FRONT]
    if lost:
        yield _error(
            17,
            f"Fronts can't know {' and '.join(lost)} of {view.view.name} ({view.view.shown}): "
            f"{view.left_out}.",
            "Give it a pattern of path(), in the URLconf before the others.",
        )
    elif keys:
        yield checks.Warning(
            f"Fronts don't know the policy of {view.view.name} ({view.view.shown}): "
            f"{view.left_out}. Of {', '.join(keys)} only repeat=False is kept, by the worker.",
            "Give it a pattern of path(), in the URLconf before the others.",
            id="queueproxy.W010",
        )
