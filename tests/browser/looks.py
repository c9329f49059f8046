"""The looks of a page: widths of the window and colour schemes, changed while the page is open."""

from collections.abc import Sequence
from typing import NamedTuple

from ..kit.waiting import wait_until
from .axe import barriers
from .pages import fits

# The admin's links fade from one colour to the next.
STILL = "return document.getAnimations().length === 0"


class Look(NamedTuple):
    """What a person's device makes of a page.

    Attributes:
        width: of the window in CSS pixels; below 500 it is a phone.
        dark: what the system prefers.
    """

    width: int
    dark: bool = False

    def __str__(self) -> str:
        return f"{self.width} {'dark' if self.dark else 'light'}"


LOOKS = tuple(Look(width, dark) for width in (1280, 768, 390) for dark in (False, True))


def wear(browser, look: Look, height: int = 1400, *, scale: int = 1) -> None:
    """Give the browser another look.

    Args:
        height: of the window in CSS pixels.
        scale: device pixels per CSS pixel.
    """
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": look.width,
            "height": height,
            "deviceScaleFactor": scale,
            "mobile": look.width < 500,
        },
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if look.dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def in_nobodys_way(browser, looks: Sequence[Look] = LOOKS) -> None:
    """Find no barrier on the page, and nothing wider than the window, in any look."""
    for look in looks:
        wear(browser, look)
        wait_until(lambda: browser.execute_script(STILL), "its colours have changed")
        wait_until(lambda: fits(browser), f"it fits: {look}")
        found = barriers(browser)
        assert not found, f"{look}: {found}"
