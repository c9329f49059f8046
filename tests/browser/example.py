"""The example site as real processes: front, workers, database with sample data."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx

from ..kit.asking import get
from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.processes import Process


class Example(Commands):
    """A running example site.

    Args:
        directory: for database, uploads and logs.
        options: of runqueueproxy.
        environ: further environment of every process.
    """

    def __init__(self, directory: Path, *options: str, **environ: str):
        self.port = free_port()
        site = {"DJANGO_SETTINGS_MODULE": "project.settings", "QUEUEPROXY_VAR": str(directory)}
        super().__init__(directory, {**os.environ, **site, **environ})
        if "QUEUEPROXY_BROKER_URL" not in environ:
            self.environ.pop("QUEUEPROXY_BROKER_URL", None)
        shutil.copytree(_sample_data(), directory, dirs_exist_ok=True)
        self._options = options
        self.start_front()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_front(self) -> None:
        """Start the front, again on the port it had before."""
        words = (f"127.0.0.1:{self.port}", "--server", "uvicorn", *self._options)
        self.front = self.manage("runqueueproxy", *words)
        self.front.until(lambda: get(self.port, "/-/livez").status == 200, "the site")

    def kill_front(self) -> None:
        """As a crash would."""
        self.processes.remove(self.front)
        self.front.kill()
        self.front.wait()

    def workers(self, *options: str, **environ: str) -> Process:
        """Start workers; they are there when the first page comes."""
        process = self.manage("runqueueworker", *options, **environ)
        process.until(lambda: get(self.port, "/", 90).status == 200, "workers")
        return process

    @contextmanager
    def client(self, name: str) -> Iterator[httpx.Client]:
        """Somebody who has logged in; the password is the name."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            form = {"username": name, "password": name, **token_of(client, "/login/")}
            assert client.post("/login/", data=form).status_code == 302
            yield client

    def log_in(self, browser, name: str) -> None:
        """Give a browser that person's session."""
        browser.get(f"{self.url}/-/livez")
        with self.client(name) as client:
            for cookie in client.cookies.jar:
                browser.add_cookie({"name": cookie.name, "value": cookie.value, "path": "/"})

    def stop(self, process: Process | None = None) -> None:
        """End one process, or all, workers last, as Ctrl-C would; nothing may be left."""
        for one in [process] if process else list(self.processes):
            self.processes.remove(one)
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
            assert one.wait(40) == 0, one.log.read_text()


@cache
def _sample_data() -> Path:
    """Make what a site begins with, its database and uploads, once for all of this process."""
    directory = Path(tempfile.mkdtemp(prefix="qpsample-"))
    atexit.register(shutil.rmtree, directory)
    site = {"DJANGO_SETTINGS_MODULE": "project.settings", "QUEUEPROXY_VAR": str(directory)}
    commands = Commands(directory, {**os.environ, **site})
    for words in (["migrate", "-v0"], ["sampledata"]):
        commands.run(*words).check_returncode()
    return directory


def token_of(client: httpx.Client, path: str) -> dict[str, str]:
    """The form field that lets a POST pass."""
    page = client.get(path).text
    return {"csrfmiddlewaretoken": page.split('csrfmiddlewaretoken" value="')[1].split('"')[0]}
