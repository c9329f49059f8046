"""A plugin for pytest, beside pytest-django: ``-p queueproxy.testing.plugin``, as in ``addopts``.

Or ``pytest_plugins = ["queueproxy.testing.plugin"]`` in the conftest.py of the root. It is loaded
where it is named and nowhere else.

``pytest --through-queue``   the whole suite sends the requests of its clients through the queue
fixture ``through_queue``    a test does; gives the requests that it has sent so far
fixture ``live_queue``       a real front, broker and worker for a browser; its ``url`` or ``str``
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from .live import LiveQueue
    from .through_queue import Passed


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what is said in the module."""
    group = parser.getgroup("queueproxy")
    group.addoption(
        "--through-queue",
        action="store_true",
        help="send every request of Django's test clients through queueproxy, within the process",
    )
    parser.addini(
        "live_queue_server",
        "what live_queue's front runs under: daphne or uvicorn",
        default="daphne",
    )


@pytest.fixture(scope="session", autouse=True)
def _all_through_queue(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.config.getoption("through_queue"):
        yield
        return
    from .through_queue import through_queue

    with through_queue() as passed:
        yield
    request.config.stash[_PASSED] = len(passed.requests)


_PASSED = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: "TerminalReporter", config: pytest.Config) -> None:
    """Say how many requests went through the queue: none may mean that none was sent."""
    if _PASSED in config.stash:
        terminalreporter.write_line(
            f"queueproxy: {config.stash[_PASSED]} requests went through the queue"
        )


@pytest.fixture
def through_queue() -> Iterator["Passed"]:
    """Send this test's requests through the queue; gives `queueproxy.testing.Passed`."""
    from .through_queue import through_queue

    with through_queue() as passed:
        yield passed


@pytest.fixture(scope="session")
def _live_front(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator["LiveQueue"]:
    from .live import LiveQueue

    with LiveQueue(request.config.getini("live_queue_server")) as live:
        yield live


@pytest.fixture
def live_queue(_live_front: "LiveQueue", transactional_db: None) -> Iterator["LiveQueue"]:
    """Serve the site through a queue; gives `queueproxy.testing.LiveQueue`.

    Front and broker stay for the session; the worker is the test's own.
    """
    from django.test import modify_settings

    from .live import HOST

    with modify_settings(ALLOWED_HOSTS={"append": HOST}), _live_front.worker():
        yield _live_front
