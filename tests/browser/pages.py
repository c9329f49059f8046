"""What is asked of any page in a browser."""

from selenium.common.exceptions import StaleElementReferenceException

from ..waiting import wait_until


def press(browser, button, *, confirm: bool = False) -> None:
    """Click and wait for the next page."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    if confirm:
        browser.switch_to.alert.accept()
    wait_until(lambda: is_gone(button), "the next page")


def is_gone(element) -> bool:
    """Whether its page has been left."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    return False


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
