"""What the page shows of releases."""

from typing import Any

from django.utils.translation import gettext as _

from ..broker.observe.releases import ACTIVE, GONE, SERVING, Release
from ..broker.observe.snapshot import Snapshot
from .wording import duration


def releases_shown(snapshot: Snapshot) -> dict[str, Any]:
    """Return them as the template takes them; none where all workers simply serve."""
    releases = snapshot.releases
    if all(release.state == SERVING for release in releases):
        releases = []
    return {
        "releases": [_release(release) for release in releases],
        "boot_failures": snapshot.boot_failures,
    }


def _release(release: Release) -> dict[str, Any]:
    share, left = release.error_share, release.retires_in_seconds
    return {
        "name": release.name,
        "state": _state(release),
        "left": None if left is None else duration(left),
        "ready": release.ready,
        "workers": release.workers,
        "requests": release.requests_total,
        "errors": "-" if share is None else f"{share:.1%}",
        "p95": duration(release.p95_seconds),
    }


def _state(release: Release) -> str:
    words = {ACTIVE: _("active"), SERVING: _("serving"), GONE: _("gone")}
    return words.get(release.state, _("stands by"))
