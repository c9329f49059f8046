"""The example project with settings of a test's."""

import json
import os

from project.settings import *  # noqa: F403

QUEUEPROXY = json.loads(os.environ["PROBE_SETTINGS"])
