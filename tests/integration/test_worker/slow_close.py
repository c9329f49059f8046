"""Responses that take long to close, while a certain file is there."""

import os
import time
from pathlib import Path


class SlowClose:
    """Middleware that gives each response a resource to close."""

    def __init__(self, get_response):
        self._get_response = get_response
        self._file = Path(os.environ["SLOW_CLOSE"])

    def __call__(self, request):
        response = self._get_response(request)
        response._resource_closers.append(self._wait)
        return response

    def _wait(self):
        while self._file.exists():
            time.sleep(0.01)
