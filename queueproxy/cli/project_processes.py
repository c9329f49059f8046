"""The fronts and workers' supervisors of this project on this machine: entered, found."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.management.base import CommandError

from .. import conf
from .ask import COULD_NOT_ASK
from .run_files import RunDirectory, RunningProcess, Unusable

logger = logging.getLogger("queueproxy")


@contextlib.contextmanager
def entered(kind: str, **told: Any) -> Iterator[Callable[..., None]]:
    """Let others find this process for as long as the context lasts, where there is a place for it.

    Args:
        kind: FRONT or WORKERS, of `run_files`.
        told: what they are told of it.

    Yields:
        What tells more, by keyword.
    """
    tell = _nobody
    with contextlib.ExitStack() as stack:
        directory = _directory()
        if directory is not None:
            try:
                tell = stack.enter_context(directory.entered(kind, told))
            except Unusable as error:
                named = conf.get_settings().run_dir is not None
                logger.log(
                    logging.WARNING if named else logging.INFO,
                    "`queueproxy reload` and `stop` won't find this process, as its file can't be "
                    "kept: %s. QUEUEPROXY['RUN_DIR'] names another directory.",
                    error,
                )
        yield tell


def _nobody(**told: Any) -> None:
    """Tell nobody."""


def running() -> list[RunningProcess]:
    """List this project's fronts and supervisors on this machine, but this process.

    Raises:
        Unusable: their directory can't be read or believed.
    """
    directory = _directory()
    return [] if directory is None else directory.running()


def running_or_refuse() -> list[RunningProcess]:
    """List them, for a command that can do nothing without.

    Raises:
        CommandError: it can't be known which run.
    """
    directory = _directory()
    if directory is None:
        raise CommandError(
            "It is not known where this project's processes have their files: the settings have no "
            "BASE_DIR. Set QUEUEPROXY['RUN_DIR'].",
            returncode=COULD_NOT_ASK,
        )
    try:
        return directory.running()
    except Unusable as error:
        raise CommandError(str(error), returncode=COULD_NOT_ASK) from error


def directory_text() -> str:
    """Word where they are looked for."""
    return str(_path())


def _path() -> Path | None:
    """Tell where they have their files; None where the settings say nothing of it."""
    told = conf.get_settings().run_dir
    if told is not None:
        return Path(told)
    base = getattr(settings, "BASE_DIR", None)
    return None if base is None else Path(base) / "var" / "queueproxy"


def _directory() -> RunDirectory | None:
    path = _path()
    if path is None:
        return None
    module = os.environ.get(ENVIRONMENT_VARIABLE, "")
    return RunDirectory(path, {"settings": module, "namespace": conf.get_settings().namespace})
