"""Finds why static files would not be served with DEBUG off."""

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured

from .development.static_files import has_whitenoise, is_local
from .setting_problems import Problem

_SERVE = (
    "Either let the workers serve them: pip install whitenoise, and "
    "'whitenoise.middleware.WhiteNoiseMiddleware' right after SecurityMiddleware; or have the web "
    "server in front answer {url} from STATIC_ROOT."
)
_COLLECT = "Run manage.py collectstatic at each deploy, before the workers are reloaded."


def problems_of_static_files() -> Iterator[Problem]:
    """List what is wrong; nothing where another host serves them."""
    url = settings.STATIC_URL
    if not apps.is_installed("django.contrib.staticfiles") or not is_local(url):
        return
    if has_whitenoise() and getattr(settings, "WHITENOISE_USE_FINDERS", False):
        return  # which takes them from where they lie
    root = settings.STATIC_ROOT
    serve = "" if has_whitenoise() else _SERVE.format(url=url)
    if not root:
        yield Problem(
            "W013",
            f"Nothing serves the static files ({url}) with DEBUG off: STATIC_ROOT is not set, "
            "so they can't be collected.",
            f'Set STATIC_ROOT = BASE_DIR / "static". {serve} {_COLLECT}'.replace("  ", " "),
        )
    elif not _has_files(Path(root)):
        yield Problem(
            "W013",
            f"STATIC_ROOT ({root}) is empty or not there: no static file would be found.",
            f"{_COLLECT} {serve}".rstrip(),
        )
    elif _lacks_manifest():
        yield Problem(
            "W013",
            "The static files' storage has no manifest: with DEBUG off each page that names a "
            "static file would be an error.",
            _COLLECT,
        )


def _has_files(root: Path) -> bool:
    try:
        return any(root.iterdir())
    except OSError:
        return False


def _lacks_manifest() -> bool:
    try:
        storage: object = staticfiles_storage
        if not isinstance(storage, ManifestFilesMixin) or not storage.manifest_strict:
            return False
        return storage.read_manifest() is None
    except (ImproperlyConfigured, OSError, ValueError):
        return False  # Django says so itself
