"""The probe site with middleware that can be broken from outside."""

import os

from tests.acceptance.probe.settings import *  # noqa: F403

MIDDLEWARE = ["tests.integration.test_worker.brittle.Brittle"]
if "NO_DATABASE" in os.environ:
    DATABASES = {}
if "SLOW_CLOSE" in os.environ:
    MIDDLEWARE.append("tests.integration.test_worker.slow_close.SlowClose")
