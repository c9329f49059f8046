"""Code that can't be loaded while a certain file is there."""

import os
from pathlib import Path


class Brittle:
    """Middleware that does nothing else."""

    def __init__(self, get_response):
        if Path(os.environ["BRITTLE"]).exists():
            raise RuntimeError("broken on purpose")
        self._get_response = get_response

    def __call__(self, request):
        return self._get_response(request)
