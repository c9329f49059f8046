"""Notices that a project's code has changed on disk."""

import os
import sysconfig
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

LOOK_EVERY = 0.5  # seconds
CODE = (".py",)
ALL = (*CODE, ".html", ".jinja", ".jinja2", ".mo")  # what worker processes keep in memory
_NOT_OURS = ("node_modules", "site-packages", "__pycache__")
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


class CodeWatch(threading.Thread):
    """Looks at all files of some directories now and then, in a thread.

    Directories of other people's code are left out: virtual environments, hidden ones.

    Args:
        changed: called, in this thread, with one of the files once one was written, made or deleted
            and no other was for LOOK_EVERY: an editor, or git, writes many.
        suffixes: of the files that count.
        roots: directories; None for the project's.
        but: directories that are left out; None for those the project writes to.
    """

    def __init__(
        self,
        changed: Callable[[str], object],
        suffixes: tuple[str, ...],
        roots: Sequence[Path] | None = None,
        but: Collection[Path] | None = None,
    ):
        super().__init__(name="code watch", daemon=True)
        self._changed = changed
        self._suffixes = suffixes
        self._roots = project_directories() if roots is None else list(roots)
        self._but = {str(path) for path in (_written_to() if but is None else but)}
        self._over = threading.Event()
        self._seen = self._snapshot()

    def run(self) -> None:
        told = self._seen
        while not self._over.wait(LOOK_EVERY):
            before, self._seen = self._seen, self._snapshot()
            if self._seen == before and before != told:
                files = {path for path, _ in before.items() ^ told.items()}
                told = before
                self._changed(min(files))

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _snapshot(self) -> dict[str, int]:
        return {path: time for root in self._roots for path, time in self._files(str(root))}

    def _files(self, directory: str) -> Iterator[tuple[str, int]]:
        """Each file in a directory, or below, that counts, and when it was changed (ns)."""
        try:
            entries = list(os.scandir(directory))
        except OSError:
            return
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if self._is_ours(entry):
                        yield from self._files(entry.path)
                elif entry.name.endswith(self._suffixes):
                    yield entry.path, entry.stat().st_mtime_ns
            except OSError:
                continue  # it has just gone

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        return not (
            entry.name.startswith(".")
            or entry.name in _NOT_OURS
            or entry.path in self._but
            or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
        )


def project_directories() -> list[Path]:
    """List where the project's code lies: BASE_DIR, and its apps and templates elsewhere.

    Without BASE_DIR, the working directory is in its place.
    """
    places = {Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).resolve()}
    engines: list[dict[str, Any]] = settings.TEMPLATES
    templates = (path for engine in engines for path in engine.get("DIRS", ()))
    for place in (*(config.path for config in apps.get_app_configs()), *templates):
        if not str(place).startswith(_INSTALLED):
            places.add(Path(place).resolve())
    return [one for one in places if not any(other in one.parents for other in places)]


def _written_to() -> list[Path]:
    return [Path(path).resolve() for path in (settings.MEDIA_ROOT, settings.STATIC_ROOT) if path]
