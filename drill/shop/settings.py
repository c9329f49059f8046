"""The example site's settings with the shop in front."""

from project.settings import *  # noqa: F403
from project.settings import DATABASE_URL, DATABASES, INSTALLED_APPS, MIDDLEWARE, QUEUEPROXY

LOCK_TIMEOUT = "2s"

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "drill.shop"]
ROOT_URLCONF = "drill.shop.urls"
MIDDLEWARE = [
    "drill.shop.middleware.name_release",
    "drill.shop.middleware.fail_in_release_4",
    *MIDDLEWARE,
]
QUEUEPROXY = {**QUEUEPROXY, "ROUTES": []}

if DATABASE_URL:
    # As sites should: a page that meets a locked table fails soon and does not hang its worker.
    # A request that ran during one of the migrations would be an error here.
    connecting = DATABASES["default"].setdefault("OPTIONS", {})
    connecting["options"] = f"-c lock_timeout={LOCK_TIMEOUT}"
