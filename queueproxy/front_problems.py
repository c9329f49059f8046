"""Finds what keeps a front on this machine from starting, though the settings are good."""

import tempfile
from collections.abc import Iterator

from . import conf
from .front.http.page_files import UnusablePage, read_pages
from .setting_problems import Problem


def problems_of_front() -> Iterator[Problem]:
    """Everything that can be known before the first request; to be asked with good settings."""
    settings = conf.get_settings()
    try:
        tempfile.TemporaryFile(dir=settings.front_spool_dir).close()
    except OSError as error:
        yield Problem(
            "E019",
            f"QUEUEPROXY['FRONT_SPOOL_DIR']: no file can be made for large bodies: {error}",
            "Name a directory that the front may write to.",
        )
    try:
        read_pages(settings.error_pages)
    except UnusablePage as error:
        yield Problem(
            "E020",
            f"QUEUEPROXY['ERROR_PAGES']: {error}",
            "See 'The front's own answers' in docs/behaviour.md.",
        )
