"""Finds the private server of a running ``runqueueproxy --embedded``, for a second terminal."""

import os
import shlex
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from .. import cache_aliases, conf
from ..broker.observe.processes import read_fronts
from ..broker.observe.values import ValueReader
from ..exceptions import BrokerUnavailable, ErrorReply, ScriptsUnreadable
from . import project_processes
from .ask import COULD_NOT_ASK
from .run_files import FRONT, RunningProcess, Unusable


def point_to(url: str) -> None:
    """Have the queue and the project's Redis caches on the private server, here and in children.

    Args:
        url: ``unix://`` and the path of its socket.
    """
    os.environ[conf.BROKER_URL_VARIABLE] = url
    os.environ[conf.EMBEDDED_URL_VARIABLE] = url
    os.environ["REDIS_URL"] = f"{url}?db={databases() - 1}"
    cache_aliases.serve_from_embedded(url)


def databases() -> int:
    """Count its databases: 0 is the queue's, each cache has one, what reads REDIS_URL the last."""
    return len(settings.CACHES) + 2


def use_private_broker(say: Callable[[str], object]) -> None:
    """Point to the private server of this project's running front, where there is one to point to.

    It is there only while that front runs, which is seen by the lock on its file (`run_files`). A
    broker of the project's own that serves a front or worker is preferred.

    Args:
        say: tells a person which one it is.

    Raises:
        CommandError: there are several.
    """
    if os.environ.get(conf.BROKER_URL_VARIABLE):
        return
    try:
        processes = project_processes.running()
    except (Unusable, ImproperlyConfigured):
        return  # what needs them says so
    urls = {one.pid: str(one.told["broker"]) for one in processes if _has_broker(one)}
    if not urls:
        return
    pids = " and ".join(map(str, sorted(urls)))
    choices = ", or ".join(f"{conf.BROKER_URL_VARIABLE}={shlex.quote(u)}" for u in urls.values())
    if _own_broker_serves():
        say(f"This is the settings' broker. A private one runs in process {pids}: {choices}.")
    elif len(urls) > 1:
        raise CommandError(
            f"Private brokers run in processes {pids}. Say which: {choices}.",
            returncode=COULD_NOT_ASK,
        )
    else:
        say(f"This is the private broker of process {pids}.")
        point_to(*urls.values())


def _has_broker(process: RunningProcess) -> bool:
    return process.kind == FRONT and str(process.told.get("broker", "")).startswith("unix:///")


def _own_broker_serves() -> bool:
    """Whether the broker that the settings name has a front or a worker of this namespace."""
    try:
        with conf.broker().link("look") as link:
            keys = link.keys
            values = ValueReader(link)
            workers, fronts = values.ask([("ZCARD", keys.workers), ("ZRANGE", keys.fronts, 0, -1)])
            return bool(workers or read_fronts(values, values.texts(fronts), 0.0))
    except (BrokerUnavailable, ErrorReply, ScriptsUnreadable, ImproperlyConfigured):
        return False
