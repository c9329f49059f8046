"""The suites of other people's apps, plainly and with ``--through-queue``: the same must pass."""

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "var" / "apps" / "suites"
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)
PASSED = re.compile(r"(\d+) passed")
QUEUED = re.compile(r"queueproxy: (\d+) requests")


class Suite(NamedTuple):
    """A suite as its source distribution has it.

    Args:
        package: on PyPI.
        tests: what to run.
        settings: ``DJANGO_SETTINGS_MODULE``; none where its conftest configures them.
        known: failures over the wire alone that are understood: test -> why.
    """

    package: str
    tests: tuple[str, ...]
    settings: str = ""
    known: dict[str, str] = {}


SUITES = (
    Suite("djangorestframework", ("tests",)),
    Suite(
        "django-allauth",
        tuple(f"tests/apps/{app}" for app in ("account", "mfa", "usersessions", "headless")),
        "tests.projects.regular.settings",
    ),
)


def run() -> int:
    """Run all; how many fail through the queue, and not plainly, without a reason we know."""
    return sum(map(_compare, SUITES))


def _compare(suite: Suite) -> int:
    source = _source(suite)
    plain_passed, plain, _ = _run(suite, source)
    passed, queued, requests = _run(suite, source, "--through-queue")
    new = queued - plain
    print(
        f"{suite.package} {version(suite.package)}: "
        f"plainly {plain_passed} pass, {len(plain)} fail; "
        f"through the queue {passed} pass, {len(queued)} fail; {requests} requests",
        flush=True,
    )
    for test in sorted(new):
        print(f"  {'known: ' + suite.known[test] if test in suite.known else 'NEW'}: {test}")
    return len(new - suite.known.keys()) + (not requests)


def _source(suite: Suite) -> Path:
    """Unpack the source distribution of the installed version."""
    name = f"{suite.package.replace('-', '_')}-{version(suite.package)}"
    if not (CACHE / name).exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
        wanted = f"{suite.package}=={version(suite.package)}"
        subprocess.run([*pip, suite.package, "--dest", str(CACHE), wanted], check=True)
        with tarfile.open(CACHE / f"{name}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return CACHE / name


def _run(suite: Suite, source: Path, *options: str) -> tuple[int, set[str], int]:
    """How many passed, which failed, and how many requests went through the queue."""
    plugin = ("-p", "queueproxy.testing.plugin", "-p", "no:cacheprovider")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    if suite.settings:
        environ["DJANGO_SETTINGS_MODULE"] = suite.settings
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rfE",
            "--tb=short",
            *plugin,
            *options,
            *suite.tests,
        ],
        cwd=source,
        env=environ,
        capture_output=True,
        text=True,
    )
    log = CACHE / f"{source.name}{''.join(options)}.log"
    log.write_text(done.stdout + done.stderr)
    passed, requests = PASSED.search(done.stdout), QUEUED.search(done.stdout)
    if passed is None:
        raise SystemExit(f"The suite of {suite.package} did not run: see {log}")
    failed = set(FAILED.findall(done.stdout))
    return int(passed.group(1)), failed, int(requests.group(1)) if requests else 0
