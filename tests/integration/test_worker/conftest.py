import pytest

from . import views
from .crew import Crew
from .workbench import Client, Hired, fresh_state


@pytest.fixture
def state():
    """What the views did, and the gate that some wait at."""
    state = fresh_state()
    yield state
    state.gate.set()


@pytest.fixture
async def client(office):
    """Those who ask, at one front."""
    return Client(office, await office.desk())


@pytest.fixture
def hire(office, settings, state):
    """Puts workers to work; each must end at the end."""
    settings.ROOT_URLCONF = views.__name__
    settings.MIDDLEWARE = []
    settings.ALLOWED_HOSTS = ["*"]
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    hired: list[Hired] = []

    def hire(**options) -> Hired:
        worker = Hired(office, **options)
        hired.append(worker)
        worker.start()
        return worker

    yield hire
    state.gate.set()
    for worker in hired:
        worker.worker.stop()
    for worker in hired:
        worker.ended()


@pytest.fixture
def crew(tmp_path, broker):
    """Supervisors and workers of the probe site, as real processes."""
    crew = Crew(tmp_path, broker, "tests.integration.test_worker.settings")
    yield crew
    crew.stop()
