"""The acceptance tests' probe site, with crashes at the boundaries and switches for the checker."""

from tests.acceptance.probe.settings import *  # noqa: F403
from tests.acceptance.probe.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.probe.apps.ChaosConfig"]
ROOT_URLCONF = "tests.chaos.probe.urls"
