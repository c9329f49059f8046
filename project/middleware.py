"""What the example adds to every response."""

import os


class WorkerMiddleware:
    """Says in ``X-Worker-Pid`` which process ran the request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Worker-Pid"] = str(os.getpid())
        return response
