import pytest
from django.core import signals

from . import views
from .harness import Client, WorkerInThread, fresh_state


@pytest.fixture
def state():
    """What the views did, and the gate that some wait at."""
    state = fresh_state()
    yield state
    state.gate.set()


@pytest.fixture
async def client(kit):
    """Those who ask, at one front."""
    return Client(kit, await kit.front_broker())


@pytest.fixture
def start_worker(kit, settings, state):
    """Puts workers to work; each must end at the end."""
    settings.ROOT_URLCONF = views.__name__
    settings.MIDDLEWARE = []
    settings.ALLOWED_HOSTS = ["*"]
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    worker_in_thread: list[WorkerInThread] = []

    def start_worker(**options) -> WorkerInThread:
        worker = WorkerInThread(kit, **options)
        worker_in_thread.append(worker)
        worker.start()
        return worker

    yield start_worker
    state.gate.set()
    for worker in worker_in_thread:
        worker.worker.stop()
    for worker in worker_in_thread:
        worker.ended()


@pytest.fixture
def at_the_end():
    """Has something done whenever a response is closed, by a receiver as Django's own or not."""
    receivers = []

    def connect(action, *, djangos: bool = False):
        def receiver(**kwargs):
            action()

        if djangos:
            receiver.__module__ = "django.db"
        receivers.append(receiver)
        signals.request_finished.connect(receiver)

    yield connect
    for receiver in receivers:
        signals.request_finished.disconnect(receiver)
