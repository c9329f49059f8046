"""Writes what a browser shows as a small PNG."""

import io
from pathlib import Path

from PIL import Image

COLOURS = 256


def save_picture(browser, file: Path, height: int, *, scale: int = 1) -> None:
    """Write the upper part of the page, in as many colours as a small file has.

    Args:
        browser: shows it; its window keeps its width and gets that height.
        file: where the PNG goes.
        height: of the picture, CSS pixels.
        scale: device pixels per CSS pixel.
    """
    width = browser.execute_script("return innerWidth")
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    _drawn(browser)
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
    picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _drawn(browser) -> None:
    """Wait until the charts have followed the window: they do so in the next frames."""
    browser.execute_async_script(
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 500)));"
    )
