"""Code that can't be loaded while a certain file is there, or waits while another is."""

import os
import time
from pathlib import Path


class Brittle:
    """Middleware that does nothing else."""

    def __init__(self, get_response):
        if Path(os.environ["BRITTLE"]).exists():
            raise RuntimeError("broken on purpose")
        while Path(os.environ["BRITTLE"] + "-slow").exists():
            time.sleep(0.05)
        self._get_response = get_response

    def __call__(self, request):
        return self._get_response(request)
