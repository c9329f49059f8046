"""Workers with an event loop; what tests of threads ask for is given to them in its terms."""

import pytest

from ..test_worker import conftest as of_threads
from ..test_worker.worker_site import PROBE, WorkerSite

state = of_threads.state
client = of_threads.client
at_the_end = of_threads.at_the_end
start_worker_of_threads = of_threads.start_worker


@pytest.fixture
def start_worker(start_worker_of_threads):
    """Puts workers to work: so many requests at once where threads are asked for."""

    def start_worker(**options):
        at_once = options.pop("at_once", None) or options.pop("threads", 1)
        return start_worker_of_threads(at_once=at_once, **options)

    return start_worker


class AsyncWorkerSite(WorkerSite):
    """Starts supervisors whose workers have an event loop."""

    def start(self, *options: str, **more):
        words = [*options]
        if "--threads" in words:
            words[words.index("--threads")] = "--async"
        else:
            words += ["--async", "1"]
        return super().start(*words, **more)


@pytest.fixture
def workers(tmp_path, broker, site_settings):
    """Supervisors and workers of the probe site, as real processes."""
    workers = AsyncWorkerSite(tmp_path, broker, PROBE, **site_settings)
    yield workers
    workers.stop()
