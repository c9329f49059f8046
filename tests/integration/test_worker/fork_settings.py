"""The probe site without Daphne: its app makes a reactor, with pipes that are not a worker's."""

import os

from tests.integration.test_worker.settings import *  # noqa: F403

INSTALLED_APPS = ["queueproxy"]
if "ASYNC_MIDDLEWARE" in os.environ:
    MIDDLEWARE = ["tests.integration.test_worker.forking_middleware.forking"]
