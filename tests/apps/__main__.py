"""python -m tests.apps: serve the apps plainly and through the queue, and compare the answers.

Names of functions in steps.py: take these steps alone.
``--suites``: run the suites of Django REST framework and allauth as well, plainly and over the
wire (suites.py). Exit status 1 where anything differs.
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import distributions, version
from itertools import zip_longest
from pathlib import Path

import httpx

from ..kit.broker_server import BrokerServer
from ..kit.ports import free_port
from ..kit.processes import ROOT, Process
from ..kit.waiting import wait_until
from . import steps, suites
from .visitor import Visitor

HOME = "tests/apps/home"
SETTINGS = "tests.apps.site.settings"
# By the step that shows them; a name of its own where it isn't "django-" and the step.
PACKAGES = {
    "wagtail": "wagtail",
    "rest_framework": "djangorestframework",
    "spectacular": "drf-spectacular",
    "whitenoise": "whitenoise",
}


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="apps-") as directory:
        differing = _compare(Path(directory), [word for word in words if word[:2] != "--"])
    failed = suites.run() if "--suites" in words else 0
    return 1 if differing or failed else 0


def _compare(directory: Path, names: list[str]) -> int:
    for name in ("plain", "queued"):
        shutil.copytree(_filled(), directory / name)
    with ExitStack() as contexts:
        plain = Visitor(contexts.enter_context(_plain(directory / "plain")))
        queued = Visitor(contexts.enter_context(_queued(directory / "queued")))
        wanted = [step for step in steps.ALL if not names or step.__name__ in names]
        return sum(_differs(step, plain, queued) for step in wanted)


def _filled() -> Path:
    """A directory with a database that is migrated and filled; kept below var, by versions."""
    what = hashlib.sha256()
    for one in sorted(f"{of.name} {of.version}" for of in distributions()):
        what.update(one.encode())
    for path in (ROOT / "tests" / "apps" / "data.py", *sorted((ROOT / HOME).rglob("*.py"))):
        what.update(path.read_bytes())
    filled = ROOT / "var" / "apps" / f"data-{what.hexdigest()[:12]}"
    if not filled.exists():
        making = Path(f"{filled}.making")
        shutil.rmtree(making, ignore_errors=True)
        (making / "static").mkdir(parents=True)
        if _python("tests.apps.data", making).wait():
            raise SystemExit(f"The data can't be made: see {making}")
        making.rename(filled)
    return filled


def _differs(step, plain: Visitor, queued: Visitor) -> bool:
    """Take one step with both; whether anything differs, which is printed."""
    for visitor in (plain, queued):
        visitor.forget()
        visitor.seen.clear()
        try:
            step(visitor)
        except Exception as error:  # an answer is not as the step needs it: the other's differs too
            visitor.seen.append((f"{type(error).__name__}: {error}", str(visitor is queued)))
    pairs = list(zip_longest(plain.seen, queued.seen))
    wrong = [(one, other) for one, other in pairs if one != other]
    name = step.__name__
    package = PACKAGES.get(name, "django-" + name.replace("_", "-"))
    statuses = ", ".join(sorted({str(seen[1]) for seen in plain.seen if len(seen) > 1}))
    verdict = f"{len(wrong)} DIFFER" if wrong else "the same"
    print(f"{package} {version(package)}: {len(pairs)} answers ({statuses}): {verdict}", flush=True)
    for one, other in wrong:
        print(f"  plain:  {_short(one, other)}\n  queued: {_short(other, one)}")
    return bool(wrong)


def _short(seen, other) -> str:
    """Show an answer from shortly before the first difference."""
    here, there = repr(seen), repr(other)
    at = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), 0)
    return f"{here[:60]} ... {here[max(60, at - 80) : at + 120]}"


def _environ(data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "APPS_DATA": str(data),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",  # django-csp orders its directives by a set
    }


def _python(module: str, data: Path, *words: str, **environ: str) -> Process:
    command = [sys.executable, "-W", "ignore", "-m", module, *words]
    log = data / f"{words[0] if words else module}.log"
    return Process(command, log, environ=_environ(data) | environ)


@contextmanager
def _plain(data: Path) -> Iterator[int]:
    port = free_port()
    words = ("tests.apps.site.wsgi:application", "-b", f"127.0.0.1:{port}", "--threads", "2")
    with _until_left(_python("gunicorn", data, *words, "--timeout", "120")):
        _wait_until_it_answers(port)
        yield port


@contextmanager
def _queued(data: Path) -> Iterator[int]:
    port = free_port()
    broker = BrokerServer().start()
    django = {"QUEUEPROXY_BROKER_URL": broker.url}
    front = ("runqueueproxy", f"127.0.0.1:{port}", "--server", "uvicorn")
    try:
        with (
            _until_left(_python("django", data, *front, **django)),
            _until_left(_python("django", data, "runqueueworker", "--threads", "2", **django)),
        ):
            _wait_until_it_answers(port)
            yield port
    finally:
        broker.stop()


@contextmanager
def _until_left(process: Process) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_it_answers(port: int) -> None:
    def answers() -> bool:
        try:
            # By WhiteNoise, before anything that counts requests or keeps them.
            return Visitor(port).get("/static/b.css").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers, f"a site on port {port}", 300)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
