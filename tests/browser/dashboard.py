"""The dashboard as a person uses it."""

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from ..kit.waiting import wait_until
from .example import Example
from .pages import is_stale, press

QUEUE = "/admin/queueproxy/queue/"
# Pixels of a chart that have a colour of the style sheet; red, green, blue and opacity, 0 to 255.
COUNT_PIXELS = """
const canvas = document.querySelector(`[data-chart=${arguments[0]}] canvas`);
const probe = document.createElement("canvas").getContext("2d");
probe.fillStyle = getComputedStyle(document.getElementById("qp")).getPropertyValue(arguments[1]);
probe.fillRect(0, 0, 1, 1);
const wanted = probe.getImageData(0, 0, 1, 1).data;
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let count = 0;
for (let i = 0; i < data.length; i += 4) {
  if ([0, 1, 2, 3].every((k) => Math.abs(data[i + k] - wanted[k]) < 6)) count += 1;
}
return count;
"""

STYLE = """
const [css, name] = arguments;
return getComputedStyle(document.querySelector(css)).getPropertyValue(name);
"""


class Dashboard:
    """An open dashboard."""

    def __init__(self, browser, site: Example):
        self.browser = browser
        self.site = site

    def open(self, query: str = "") -> None:
        """Go there."""
        self.browser.get(f"{self.site.url}{QUEUE}{query}")

    def find(self, css: str):
        """The first element."""
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        """What a person reads there now; empty where there is nothing."""
        return " ".join(self.texts(css))

    def texts(self, css: str) -> list[str]:
        """The same of each element."""

        def read() -> tuple[list[str]] | None:
            try:
                found = self.browser.find_elements(By.CSS_SELECTOR, css)
                return ([element.text for element in found],)
            except WebDriverException as error:
                if is_stale(error):  # that part has been renewed meanwhile
                    return None
                raise

        (texts,) = wait_until(read, f"{css} stays while it is read")
        return texts

    def style(self, css: str, name: str) -> str:
        """How the first element is drawn: read at once, before that part may be renewed."""
        return self.browser.execute_script(STYLE, css, name)

    def attribute(self, css: str, name: str) -> str:
        """Of the first element, likewise."""
        script = "return document.querySelector(arguments[0]).getAttribute(arguments[1])"
        return self.browser.execute_script(script, css, name)

    def click(self, css: str) -> None:
        """Click the first element by script, likewise; no other page is waited for."""
        self.browser.execute_script("document.querySelector(arguments[0]).click()", css)

    def waiting(self, request: str) -> list:
        """The buttons of the rows of that request, such as ``GET /``; oldest first."""
        row = f"//section[@data-key='waiting']//tr[normalize-space(td//code)={request!r}]"
        return self.browser.find_elements(By.XPATH, f"{row}//button")

    def figure(self, queue: str, name: str) -> int:
        """A number on a tile."""
        return int(self.text(f"[data-key={queue}] [data-figure={name}]") or 0)

    def pixels(self, chart: str, color: str) -> int:
        """How much of a chart is drawn in a colour."""
        return self.browser.execute_script(COUNT_PIXELS, chart, color)

    def legend(self, chart: str, number: int) -> str:
        """What the legend of a chart tells of a series; 0 is the time."""
        return self.text(f"[data-chart={chart}] .u-series:nth-child({number + 1}) .u-value")

    def renewed(self) -> None:
        """Wait until the page has told of a later moment than now."""
        before = self.text("#qp-renewed")
        wait_until(lambda: self.text("#qp-renewed") not in ("", before), "renewed figures")

    def press(self, css: str, *, confirm: bool = False) -> str:
        """Click a button; what the next page says of it."""
        press(self.browser, lambda: self.find(css), confirm=confirm)
        return self.text(".messagelist")

    def tab_to(self, css: str) -> None:
        """Go there by the keyboard, from the top of the page."""
        from selenium.webdriver.common.keys import Keys

        target = self.find(css)
        for _ in range(100):
            if self.browser.switch_to.active_element == target:
                return
            self.browser.switch_to.active_element.send_keys(Keys.TAB)
        raise AssertionError(f"Not to be reached by the keyboard: {css}")
