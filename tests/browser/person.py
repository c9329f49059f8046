"""Somebody who looks for the culprit of an incident."""

from selenium.webdriver.common.by import By

from .dashboard import Dashboard
from .pages import press


class Person:
    """Clicks, and counts the clicks.

    Args:
        page: what they look at.
    """

    def __init__(self, page: Dashboard):
        self.page = page
        self.clicks = 0

    def start_at_the_index(self) -> None:
        """Begin where everybody begins: at the index of the admin."""
        self.page.browser.get(f"{self.page.site.url}/admin/")
        self.clicks = 0

    def click(self, text: str, css: str = "a") -> None:
        """Follow the link that is called so."""
        self.clicks += 1
        press(self.page.browser, lambda: self._link(text, css))

    def press(self, css: str) -> str:
        """Press a button or link by its place; what the next page says of it."""
        self.clicks += 1
        return self.page.press(css)

    def _link(self, text: str, css: str):
        links = self.page.browser.find_elements(By.CSS_SELECTOR, css)
        # The style sheet of the admin writes the heads of tables in capitals.
        return next(link for link in links if link.text.strip().casefold() == text.casefold())
