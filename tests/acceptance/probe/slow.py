"""A middleware by which any request takes as long as its client says."""

import time


def slow_middleware(get_response):
    def middleware(request):
        time.sleep(float(request.headers.get("X-Seconds", 0)))
        return get_response(request)

    return middleware
