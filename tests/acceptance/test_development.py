"""What a developer does: saves files, makes mistakes, stands at a breakpoint."""

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.processes import ROOT
from ..kit.terminal import CTRL_C, Terminal
from ..kit.waiting import wait_until
from .site import Pending

SETTINGS = """
import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "a-key-of-the-tests-that-is-long-enough-to-sign-with"
DEBUG = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["daphne", "channels", "queueproxy"]
MIDDLEWARE = []
ASGI_APPLICATION = "queueproxy.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE_DIR]}]
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "queueproxy": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/1"},
}
QUEUEPROXY = {"SERVER_TIMING": False, "VIEW_TIMEOUT": 1}
"""
URLS = """
from django.urls import path
import views
urlpatterns = [path("say/", views.say), path("page/", views.page), path("stop/", views.stop)]
"""
VIEWS = """
from django.http import HttpResponse
from django.shortcuts import render
def say(request):
    return HttpResponse("one")
def page(request):
    return render(request, "page.html")
def stop(request):
    answer = "unchanged"
    breakpoint()
    return HttpResponse(answer)
"""


class Developer:
    """Somebody with a small project and the whole system in a terminal.

    Args:
        directory: of the project.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for name, text in (("settings", SETTINGS), ("urls", URLS), ("views", VIEWS)):
            self.write(f"{name}.py", text)
        self.write("page.html", "first")
        own = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
        self.commands = Commands(directory, own | {"DJANGO_SETTINGS_MODULE": "settings"})
        self.commands.environ["PYTHONPATH"] = f"{directory}:{ROOT}"
        self.commands.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        self.terminal: Terminal | None = None

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def start(self, *options: str) -> None:
        """Start it all, and wait until it serves."""
        where = f"127.0.0.1:{self.port}"
        words = ("runqueueproxy", where, "--embedded", "--workers", "1", *options)
        environ = self.commands.environ
        self.terminal = Terminal([sys.executable, "-m", "django", *words], environ)
        wait_until(lambda: self.get("/say/"), self.terminal.written, 60)

    def get(self, path: str) -> str | None:
        """What a page says; None where nobody listens."""
        try:
            return httpx.get(self.url + path, timeout=60).text
        except httpx.TransportError:
            return None

    def wait_for(self, words: str) -> None:
        """Until the terminal shows it."""
        wait_until(
            lambda: words in self.terminal.written, f"{words} in {self.terminal.written}", 60
        )

    def stop(self) -> None:
        if self.terminal is not None and self.terminal.process.poll() is None:
            self.terminal.process.send_signal(signal.SIGTERM)
            self.terminal.process.wait(60)


@pytest.fixture
def developer(tmp_path):
    developer = Developer(tmp_path)
    yield developer
    developer.stop()


def test_a_saved_file_is_what_the_next_page_shows(developer):
    developer.start("--reload")
    assert developer.get("/say/") == "one"
    developer.write("views.py", VIEWS.replace("one", "two"))
    developer.wait_for("views.py has changed: fresh worker processes.")
    assert developer.get("/say/") == "two", "its client waits for the new code"
    assert developer.get("/page/") == "first"
    developer.write("page.html", "second")
    developer.wait_for("page.html has changed")
    assert developer.get("/page/") == "second"
    developer.terminal.type(CTRL_C)
    assert developer.terminal.process.wait(60) == 0
    assert "Traceback" not in developer.terminal.written


def test_a_mistake_waits_for_its_mending(developer):
    developer.start("--reload")
    developer.write("urls.py", URLS.replace("import views", "import views, other"))
    developer.wait_for("No module named 'other'")
    waiting = Pending("GET", f"{developer.url}/say/", {})
    developer.write("other.py", "# in a file that nothing has loaded before\n")
    assert waiting.result().text == "one"


def test_a_front_that_is_replaced_drops_nobody(developer):
    slow = "    print('it runs', flush=True)\n    __import__('time').sleep(3)\n    return Http"
    developer.write("views.py", VIEWS.replace("    return Http", slow, 1))
    developer.start("--reload")
    ran = developer.terminal.written.count("it runs")
    waiting = Pending("GET", f"{developer.url}/say/", {})
    wait_until(lambda: developer.terminal.written.count("it runs") > ran, "it runs", 60)
    developer.write("settings.py", SETTINGS + "# changed\n")
    developer.wait_for("settings.py has changed: a fresh front.")
    assert waiting.result().text == "one"
    assert developer.terminal.written.count("it runs") == ran + 1
    assert developer.get("/say/") == "one"


def test_a_breakpoint(developer):
    """VIEW_TIMEOUT is a second in these settings; with DEBUG nobody is hurried."""
    developer.start()
    waiting = Pending("GET", f"{developer.url}/stop/", {})
    developer.wait_for("(Pdb) ")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{developer.url}/say/", timeout=3)  # the only thread stands there
    developer.terminal.type(b"answer = 'typed'\n")
    developer.terminal.type(b"c\n")
    assert waiting.result().text == "typed"
    assert "past VIEW_TIMEOUT" not in developer.terminal.written
    assert developer.get("/say/") == "one"
