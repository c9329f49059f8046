"""python -m tests.django_suite: run Django's own tests plainly and over the wire, and compare.

Exit status 1 where a test fails over the wire alone and is not known, or is known and passes.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import django

from .known import KNOWN

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "django-suite"
LABELS = (
    *("test_client", "test_client_regress", "requests_tests", "handlers", "csrf_tests"),
    *("sessions_tests", "messages_tests", "file_uploads", "view_tests", "generic_views"),
    *("auth_tests", "admin_views", "conditional_processing", "middleware", "httpwrappers"),
    "responses",
)
FAILED = re.compile(r"^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+) \(([^)]+)\)", re.M)
RAN = re.compile(r"^Ran (\d+) tests?", re.M)


def main() -> int:
    tests = _django_tests()
    plain_ran, plain = _run(tests, "")
    print(f"plain: {plain_ran} tests, {len(plain)} failures", flush=True)
    with tempfile.NamedTemporaryFile() as counter:
        swapped_ran, swapped = _run(tests, counter.name)
        requests = Path(counter.name).stat().st_size
    print(f"over the wire: {swapped_ran} tests, {requests} requests, {len(swapped)} failures")
    new = swapped - plain
    unknown, gone = new - KNOWN.keys(), KNOWN.keys() - new
    for test in sorted(new & KNOWN.keys()):
        print(f"known: {test}: {KNOWN[test]}")
    for test in sorted(unknown):
        print(f"NEW: {test}")
    for test in sorted(gone):
        print(f"known, and no longer fails: {test}")
    print(f"new failures: {len(unknown)}")
    return 1 if unknown or gone or requests < 1000 or plain_ran != swapped_ran else 0


def _django_tests() -> Path:
    """Django's tests of the installed version, from its source distribution."""
    version = django.__version__
    unpacked = CACHE / f"django-{version}"
    if not (unpacked / "tests" / "runtests.py").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run(
            [*pip, "--no-binary", "django", "--dest", str(CACHE), f"django=={version}"], check=True
        )
        with tarfile.open(CACHE / f"django-{version}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return unpacked / "tests"


def _run(tests: Path, counter: str) -> tuple[int, set[str]]:
    """How many tests ran, and the ids of those that failed."""
    command = [sys.executable, "-m", "tests.django_suite.run_swapped", str(tests / "runtests.py")]
    options = ["--settings=test_sqlite", "--parallel=2", "--noinput", "-v0", *LABELS]
    path = os.pathsep.join((str(ROOT), str(tests)))
    environ = {**os.environ, "SWAP_COUNTER": counter, "PYTHONPATH": path}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=1500
    )
    ran = RAN.search(done.stderr)
    log = CACHE / ("swapped.log" if counter else "plain.log")
    log.write_text(done.stdout + done.stderr)
    if ran is None:
        raise SystemExit(f"Django's tests did not run; see {log}\n{done.stderr[-2000:]}")
    return int(ran.group(1)), {f"{name} ({where})" for name, where in FAILED.findall(done.stderr)}


if __name__ == "__main__":
    sys.exit(main())
