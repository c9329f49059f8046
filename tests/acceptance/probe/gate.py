"""A middleware by which any request waits for a file that its client names."""

import time
from pathlib import Path

PATIENCE = 60.0  # seconds


def gate_middleware(get_response):
    def middleware(request):
        gate = request.headers.get("X-Until")
        end = time.monotonic() + PATIENCE
        while gate and not Path(gate).exists() and time.monotonic() < end:
            time.sleep(0.01)
        return get_response(request)

    return middleware
