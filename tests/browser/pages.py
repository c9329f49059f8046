"""What is asked of any page in a browser."""

from collections.abc import Callable

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException

from ..kit.waiting import wait_until


def press(browser, find: Callable[[], object], *, confirm: bool = False) -> None:
    """Click what `find` gives and wait for the next page."""
    before = wait_until(lambda: _shown(browser), "the whole page")
    wait_until(lambda: _clicked(browser, find, before), "something to click")
    if confirm:
        browser.switch_to.alert.accept()
    wait_until(lambda: _shown(browser) not in (None, before), "the next page")


def _clicked(browser, find: Callable[[], object], page: float) -> bool:
    try:
        element = find()
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
    except WebDriverException as error:
        if is_stale(error):  # the page has renewed that part, or has been left by this very click
            return _shown(browser) != page
        raise
    return True


def _shown(browser) -> float | None:
    """Which page this is, once all of it is there."""
    return browser.execute_script(
        "return document.readyState === 'complete' ? performance.timeOrigin : null"
    )


def is_stale(error: WebDriverException) -> bool:
    """Whether an element has left its page, or the page was left, which ChromeDriver tells so."""
    stale = isinstance(error, StaleElementReferenceException)
    return stale or "does not belong to the document" in str(error)


def complaints(browser) -> list[str]:
    """What the console holds against the page, breaches of the policy among it."""
    told = [entry["message"] for entry in browser.get_log("browser")]
    # The tests' own looking at the charts, and an icon that browsers ask for by themselves.
    return [text for text in told if "getImageData" not in text and "favicon" not in text]


def fits(browser) -> bool:
    """Whether nothing is wider than the window."""
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return browser.execute_script(f"return {width}")


def ground(browser) -> str:
    """The colour of the page."""
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")
