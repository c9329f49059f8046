"""What the front serves. The views run in the workers."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from queueproxy.asgi import application

__all__ = ["application"]
