"""The example site under a strict content security policy, with views that fare badly."""

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE as PROJECT_MIDDLEWARE

ROOT_URLCONF = "tests.browser.urls"
MIDDLEWARE = ["tests.browser.strict.StrictMiddleware", *PROJECT_MIDDLEWARE]
