"""What the page shows of releases."""

from typing import Any

from django.utils.translation import gettext as _

from ..broker.observe.releases import ACTIVE, GONE, SERVING, Release
from ..broker.observe.snapshot import Snapshot
from ..broker.operate.releases import KEEP
from ..wording import share_text
from .wording import UNKNOWN, duration

KEPT_UNLESS_TOLD = KEEP / 60  # minutes that workers of the release before stay ready
FAILING = 0.05  # of its answers that are 5xx: a release with more is an alarm
KEPT_MOST = 10_080.0  # minutes: a week


def releases_shown(snapshot: Snapshot) -> dict[str, Any]:
    """Return them as the template takes them; none where all workers simply serve one."""
    releases = snapshot.releases
    if len(releases) < 2 and all(release.state == SERVING for release in releases):
        releases = []
    return {
        "releases": [_release(release) for release in releases],
        "boot_failures": snapshot.boot_failures,
    }


def release_change(snapshot: Snapshot, name: str) -> dict[str, Any] | None:
    """Describe what it would be to activate a release; None where there is none of that name."""
    releases = snapshot.releases
    wanted = next((release for release in releases if release.name == name), None)
    if wanted is None:
        return None
    active = next((release.name for release in releases if release.state == ACTIVE), "")
    title = _("Roll back to %s?") if wanted.previous else _("Activate %s?")
    return {
        "title": title % name,
        "to": _release(wanted),
        "instead_of": active,
        "serving": [
            _release(release)
            for release in releases
            if release.state in (ACTIVE, SERVING) and release is not wanted
        ],
        "refused": _refusal(wanted),
        "keep": round(KEPT_UNLESS_TOLD),
        "keep_most": round(KEPT_MOST),
    }


def _refusal(wanted: Release) -> str:
    """Say why it can't be activated now; empty where it can."""
    if wanted.state == ACTIVE:
        return _("Release %s is active already.") % wanted.name
    if not wanted.ready:
        return _("No worker of %s is ready.") % wanted.name
    return ""


def _release(release: Release) -> dict[str, Any]:
    share, left = release.error_share, release.retires_in_seconds
    return {
        "name": release.name,
        "state": _state(release),
        "active": release.state == ACTIVE,
        "previous": release.previous,
        "can_serve": not _refusal(release),
        "left": None if left is None else duration(left),
        "ready": release.ready,
        "workers": release.workers,
        "requests": release.requests_total,
        "errors": UNKNOWN if share is None else share_text(share),
        "fails": (share or 0.0) >= FAILING,
        "p95": duration(release.p95_seconds),
    }


def _state(release: Release) -> str:
    words = {ACTIVE: _("active"), SERVING: _("serving"), GONE: _("gone")}
    return words.get(release.state, _("stands by"))
