"""axe-core, which looks for barriers to people who can't see or use a mouse.

Fetched from its registry when it is first needed, at one version with one checksum.
"""

import hashlib
import shutil
import subprocess
import tarfile
from functools import cache

from ..kit.missing import Missing
from ..kit.processes import ROOT

VERSION = "4.11.0"
SHA256 = "39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107"
CACHE = ROOT / ".cache" / "axe"
ARCHIVE = CACHE / f"axe-core-{VERSION}.tgz"
WITHIN = 120  # seconds
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then(
  (found) => done(found.violations), (error) => done(String(error)));
"""


@cache
def source() -> str:
    """Its script; the test is skipped where it can't be had, and fails in CI."""
    if not ARCHIVE.exists():
        _fetch()
    found = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    assert found == SHA256, f"{ARCHIVE} is not axe-core {VERSION}: {found}"
    with tarfile.open(ARCHIVE) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm, to fetch axe-core")
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
    try:
        subprocess.run(command, cwd=CACHE, check=True, timeout=WITHIN, capture_output=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Missing(f"axe-core, which could not be fetched ({error})") from error


def barriers(browser) -> list[str]:
    """What is found on the page, of any level, a line each."""
    if not browser.execute_script("return Boolean(window.axe)"):
        browser.execute_script(source())
    found = browser.execute_async_script(RUN)
    assert isinstance(found, list), found
    return [
        f"{one['impact']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in found
    ]
