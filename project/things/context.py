import os


def worker(request):
    """Which process makes this page, for the footer."""
    return {"worker_pid": os.getpid()}
