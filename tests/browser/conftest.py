"""Sites to look at, and a headless Chromium to look with."""

from contextlib import ExitStack

import pytest

from queueproxy.broker.operate.control import Control

from ..kit.broker_server import BrokerServer
from ..kit.links import QUEUES, link_to
from ..kit.missing import Missing
from .chromium import Chromiums, is_there
from .dashboard import Dashboard
from .example import Example
from .looks import Look
from .strict import reports


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """The example site as `make run` starts it."""
    directory = tmp_path_factory.mktemp("example")
    site = Example(directory, "--embedded", "--workers", "2")
    yield site
    site.stop()


@pytest.fixture(scope="session")
def _strict_site(tmp_path_factory):
    broker = BrokerServer().start()
    site = Example(
        tmp_path_factory.mktemp("strict"),
        DJANGO_SETTINGS_MODULE="tests.browser.settings",
        QUEUEPROXY_BROKER_URL=broker.url,
        QUEUEPROXY_RELEASE="r1",
    )
    site.broker = broker
    site.workers("--processes", "2", "--threads", "2")
    yield site
    site.stop()
    broker.stop()


@pytest.fixture
def site(_strict_site):
    """The example site under a strict policy, with a broker and workers to be had by themselves."""
    yield _strict_site
    with link_to(_strict_site.broker.url) as link:
        Control(link).resume(QUEUES)
    assert reports(_strict_site.directory) == []


@pytest.fixture(scope="session")
def _chromiums(tmp_path_factory):
    chromiums = Chromiums(tmp_path_factory.mktemp("chromium"))
    yield chromiums
    chromiums.quit()


@pytest.fixture
def open_browser(_chromiums):
    """Opens a browser of a width and a colour scheme."""
    if not is_there():
        raise Missing("Chromium and its driver")
    with ExitStack() as lent:

        def open_browser(width: int = 1200, *, dark: bool = False, javascript: bool = True):
            browser = lent.enter_context(_chromiums.one(Look(width, dark)))
            if not javascript:
                browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
            return browser

        yield open_browser


@pytest.fixture
def open_dashboard(site, open_browser):
    """Opens the dashboard in a browser where the admin has logged in."""

    def open_dashboard(*args, **options) -> Dashboard:
        dashboard = Dashboard(open_browser(*args, **options), site)
        site.log_in(dashboard.browser, "admin")
        dashboard.open()
        return dashboard

    return open_dashboard
