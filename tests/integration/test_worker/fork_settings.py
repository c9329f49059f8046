"""The probe site without Daphne: its app makes a reactor, with pipes that are not a worker's."""

from tests.integration.test_worker.settings import *  # noqa: F403

INSTALLED_APPS = ["queueproxy"]
