"""The versions that queueproxy is tried with: ``nox -l`` lists them, ``nox`` runs them all.

    nox -s lowest                       the oldest versions of everything that pyproject.toml allows
    nox -t django-6.1                   by Django; also python-3.12, redis-7.0, valkey-9
    nox -s "tests(...)" -- tests/unit   other tests than the fast part

What is not here, an interpreter or a server, is skipped with a message.
"""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
DJANGOS = {"5.2": PYTHONS, "6.0": PYTHONS[1:], "6.1": PYTHONS[1:]}  # by the Pythons they run on
SERVERS = {
    "redis-7.0": "redis",
    "valkey-9": "valkey",
}  # as tests/kit/broker_server.py names them
# What a server has no part in is run once for each Python and Django; then what touches every
# dependency, in a few minutes.
WITHOUT_SERVER = ("tests/unit",)
WITH_SERVER = (
    *(f"tests/integration/test_{name}.py" for name in ("broker_order", "connect", "drain")),
    *("tests/integration/test_servers.py", "tests/acceptance/test_one_command.py"),
    "tests/testing_kit",
)
FAST = (*WITHOUT_SERVER, *WITH_SERVER)

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False


def _find_interpreters() -> None:
    """Put the interpreters of pyenv first on PATH, if there are any: its shims need a choice."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for python in PYTHONS:
        for found in sorted(versions.glob(f"{python}.*/bin")):
            os.environ["PATH"] = f"{found}{os.pathsep}{os.environ['PATH']}"


_find_interpreters()


def _versions() -> list:
    return [
        nox.param(
            *(python, django, server),
            id=f"python-{python}, django-{django}, {server}",
            tags=[f"python-{python}", f"django-{django}", server],
        )
        for django, pythons in DJANGOS.items()
        for python in pythons
        for server in SERVERS
    ]


@nox.session
@nox.parametrize(["python", "django", "server"], _versions())
def tests(session: nox.Session, django: str, server: str) -> None:
    """The fast part with the newest versions that go with one Python, Django and server."""
    _see_that_there_is(session, server)
    session.install("-r", "requirements.txt", f"django=={django}.*")
    _run(session, server, FAST if server == "valkey-9" else WITH_SERVER)


@nox.session(python="3.11", tags=["lowest"])
def lowest(session: nox.Session) -> None:
    """The fast part with the oldest versions that pyproject.toml allows."""
    session.install("-r", "requirements.txt", *_lowest_versions())
    _run(session, "valkey-9", FAST)


def _see_that_there_is(session: nox.Session, server: str) -> None:
    """Skip where Redis is to carry the queue and is not here; Valkey is in the wheel."""
    if SERVERS[server] != "redis":
        return
    program = shutil.which("redis-server")
    if program is None:
        session.skip("there is no redis-server")
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    if f"v={server.removeprefix('redis-')}." not in said:
        session.skip(f"redis-server is another version: {said.strip()}")


def _lowest_versions() -> list[str]:
    """Spell the lower bound of each dependency and extra as the only version."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    bounded = [*project["dependencies"], *(one for extra in extras for one in extra)]
    return [re.sub(r">=([^,;]+)(,[^;]+)?", r"==\1", requirement) for requirement in bounded]


def _run(session: nox.Session, server: str, part: tuple[str, ...]) -> None:
    session.run(
        *("python", "-m", "pytest", "-n", os.environ.get("NOX_PROCESSES", "2")),
        *("--dist", "loadfile", "-p", "no:cacheprovider"),
        *(session.posargs or part),
        env={"QUEUEPROXY_TEST_SERVER": SERVERS[server]},
    )
