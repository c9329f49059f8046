"""The example site as a new user tries it."""

import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from ..kit.waiting import wait_until
from .pages import complaints, fits, press

pytestmark = pytest.mark.browser


def button(browser, text: str):
    return browser.find_element(By.XPATH, f"//button[normalize-space()={text!r}]")


def log_in(browser, example, name: str, then: str) -> None:
    browser.get(f"{example.url}/login/?next={then}")
    browser.find_element(By.NAME, "username").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(name)
    press(browser, lambda: browser.find_element(By.CSS_SELECTOR, "main form button"))
    assert "/login/" not in browser.current_url


def test_use_the_site(example, open_browser, tmp_path):
    browser = open_browser()
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    log_in(browser, example, "demo", "/things/new/")
    Image.new("RGB", (60, 40), "teal").save(tmp_path / "teal.png")
    browser.find_element(By.NAME, "name").send_keys("Teal thing")
    browser.find_element(By.NAME, "image").send_keys(str(tmp_path / "teal.png"))
    press(browser, lambda: button(browser, "Save"))
    assert "was added" in browser.find_element(By.CSS_SELECTOR, ".messages").text
    image = browser.find_element(By.CSS_SELECTOR, ".detail img")
    wait_until(lambda: browser.execute_script("return arguments[0].naturalWidth", image) == 60)
    press(browser, lambda: button(browser, "☆ Add to favourites"))
    browser.get(f"{example.url}/favourites/")
    assert "Teal thing" in browser.page_source
    pid = browser.find_element(By.CSS_SELECTOR, "footer").text.split()[-1].rstrip(".")
    assert pid.isdigit()
    assert int(pid) != example.front.pid
    browser.get(f"{example.url}/")
    browser.find_element(By.CSS_SELECTOR, "a[href*='export']").click()
    file = wait_until(lambda: next(iter(tmp_path.glob("things*.csv")), None), "the download")
    wait_until(lambda: "Teal thing" in file.read_text())
    assert not complaints(browser)


def test_on_a_phone(example, open_browser):
    browser = open_browser(390)
    log_in(browser, example, "demo", "/")
    for page in ("/", "/request/", "/favourites/", "/things/new/", "/slow/?seconds=0"):
        browser.get(example.url + page)
        assert fits(browser), page
