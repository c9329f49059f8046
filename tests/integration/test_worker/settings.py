"""The probe site with middleware that can be broken from outside."""

from tests.acceptance.probe.settings import *  # noqa: F403

MIDDLEWARE = ["tests.integration.test_worker.brittle.Brittle"]
