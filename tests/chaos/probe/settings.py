"""The acceptance tests' probe site, with crashes at the boundaries and switches for the checker."""

import os

import dj_database_url

from queueproxy.front.http import body
from tests.acceptance.probe.settings import *  # noqa: F403
from tests.acceptance.probe.settings import CACHES, DATABASES, INSTALLED_APPS
from tests.kit import mariadb

# Without Daphne, which nobody needs here: processes start often, and it takes long to import.
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "daphne"]
INSTALLED_APPS += ["tests.chaos.probe.apps.ChaosConfig"]
ROOT_URLCONF = "tests.chaos.probe.urls"
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # views read bodies whole

if "CHAOS_CACHES" in os.environ:
    # By default a database beside the queue's, and besides a cache in the queue's own.
    own, shared = os.environ["CHAOS_CACHES"].split()
    CACHES["default"]["LOCATION"] = own
    CACHES["shared"] = {**CACHES["default"], "LOCATION": shared}
if "CHAOS_DATABASE" in os.environ:
    DATABASES["default"] = dj_database_url.parse(os.environ["CHAOS_DATABASE"], conn_max_age=60)
    if os.environ["CHAOS_DATABASE"].startswith("mysql:"):
        mariadb.use_driver()
    if os.environ["CHAOS_DATABASE"].startswith("sqlite:"):
        options = {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
        DATABASES["default"]["OPTIONS"] = options
if "CHAOS_BODY_SLACK" in os.environ:
    defaults = {
        "slack": float(os.environ["CHAOS_BODY_SLACK"]),
        "min_rate": float(os.environ["CHAOS_BODY_MIN_RATE"]),
    }
    body.iter_body.__kwdefaults__ = {**body.iter_body.__kwdefaults__, **defaults}
