"""Who may import whom: read from the source, so that a lazy import counts too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import queueproxy

ROOT = Path(queueproxy.__file__).parent
MODULES = {
    path: ".".join(("queueproxy", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in ROOT.rglob("*.py")
}
# What a part must not import, each also by what it contains.
FORBIDDEN = {
    "queueproxy.front": ("queueproxy.worker", "queueproxy.servers", "queueproxy.conf", "django"),
    "queueproxy.servers": (
        *("queueproxy.worker", "queueproxy.broker", "queueproxy.conf", "queueproxy.cli"),
        *("queueproxy.front.front", "queueproxy.front.consumer", "django", "channels"),
    ),
    "queueproxy.worker": ("queueproxy.front", "queueproxy.conf", "channels"),
    "queueproxy.broker": (
        *("queueproxy.front", "queueproxy.worker", "queueproxy.conf"),
        *("queueproxy.management", "queueproxy.cli", "queueproxy.servers", "queueproxy.dashboard"),
        *("django", "channels"),
    ),
    "queueproxy.exactly_once": (
        *("queueproxy.broker", "queueproxy.front", "queueproxy.worker", "queueproxy.conf"),
        *("queueproxy.management", "queueproxy.cli", "queueproxy.dashboard", "redis"),
    ),
    "queueproxy.keys": ("queueproxy", "django", "redis"),
    "queueproxy.records": (
        *("queueproxy.broker", "queueproxy.front", "queueproxy.worker", "queueproxy.conf"),
        *("django", "redis"),
    ),
    "queueproxy.exceptions": ("queueproxy", "django", "redis"),
    "queueproxy.http_syntax": ("queueproxy", "django", "redis"),
    "queueproxy.durations": ("queueproxy", "django", "redis"),
    "queueproxy.sizes": ("queueproxy", "django", "redis"),
    "queueproxy.demand": ("queueproxy", "django", "redis"),
    "queueproxy.worker.scaling.decision": ("queueproxy.broker", "queueproxy.conf", "django"),
    "queueproxy.worker.scaling.measures": ("queueproxy.broker", "queueproxy.conf", "django"),
    "queueproxy.backoff": ("queueproxy", "django", "redis"),
    "queueproxy.policy": (
        *("queueproxy.broker", "queueproxy.front", "queueproxy.worker", "queueproxy.conf"),
        *("django", "redis"),
    ),
    "queueproxy.path_patterns": ("queueproxy", "django", "redis"),
    "queueproxy.policy_table": (
        *("queueproxy.broker", "queueproxy.front", "queueproxy.worker", "queueproxy.conf"),
        *("django", "redis"),
    ),
    "queueproxy.signing": ("queueproxy.broker", "queueproxy.front", "queueproxy.worker", "django"),
    "queueproxy.envelopes": ("queueproxy.broker", "queueproxy.front", "django", "redis"),
    "queueproxy.conf": (
        *("queueproxy.front", "queueproxy.worker", "queueproxy.management", "queueproxy.cli"),
        "queueproxy.servers",
    ),
    "queueproxy.tracing": (
        *("queueproxy.front.front", "queueproxy.front.consumer", "queueproxy.worker"),
        *("queueproxy.conf", "queueproxy.servers", "queueproxy.cli", "django", "redis"),
    ),
    "queueproxy.logs": ("queueproxy", "django", "redis"),
    "queueproxy.dashboard": ("queueproxy.front", "queueproxy.worker", "queueproxy.cli"),
}
ONLY_IN = {
    "django.test": {
        "queueproxy.worker.executor",
        "queueproxy.worker.asynchronous.executor",
        *(
            f"queueproxy.testing.{name}"
            for name in ("async_way", "live", "live_worker", "plugin", "sync_way", "through_queue")
        ),
    },
    "opentelemetry": {
        "queueproxy.tracing.front",
        "queueproxy.tracing.headers",
        "queueproxy.tracing.worker",
    },
    "django_redis": set(),
    "redis": {
        "queueproxy.broker.link.connect",
        "queueproxy.broker.link.links",
        "queueproxy.broker.link.node",
        "queueproxy.broker.link.protocol",
    },
    "uvicorn": {
        "queueproxy.servers.uvicorn.cycle",
        "queueproxy.servers.uvicorn.protocol",
        "queueproxy.servers.uvicorn.server",
        "queueproxy.servers.uvicorn.transport",
        "queueproxy.servers.uvicorn.websocket",
    },
}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(path: Path) -> set[str]:
    """Full names of everything a module imports, at its top or inside a function."""
    package = MODULES[path] if path.name == "__init__.py" else MODULES[path].rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_does_not_import(part):
    paths = [path for path, name in MODULES.items() if within(name, part)]
    assert paths
    wrong = [
        f"{MODULES[path]} imports {name}"
        for path in paths
        for name in imports(path)
        for forbidden in FORBIDDEN[part]
        if within(name, forbidden) and not within(name, part)
    ]
    assert wrong == []


def test_no_part_imports_what_is_for_tests():
    """Production must not load it, nor unittest.mock with it."""
    users = {
        name
        for path, name in MODULES.items()
        if any(within(imported, "queueproxy.testing") for imported in imports(path))
    }
    assert all(within(user, "queueproxy.testing") for user in users)
    assert users


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_imported_only_in(package):
    users = {
        name
        for path, name in MODULES.items()
        if any(within(imported, package) for imported in imports(path))
    }
    assert users == ONLY_IN[package]


def test_relative_imports_are_resolved():
    """The reader itself: it finds what is known to be there."""
    assert "queueproxy.exceptions.Fenced" in imports(ROOT / "worker/retrying_broker.py")
    assert "queueproxy.servers.foreign_server" in imports(ROOT / "asgi.py")
    assert "queueproxy.conf" in imports(ROOT / "asgi.py")


def test_the_wire_can_be_read_without_django():
    """envelopes, keys and the broker load where no Django is, and bring none in."""
    code = (
        "import sys; sys.modules['django'] = None\n"
        "import queueproxy.envelopes, queueproxy.keys, queueproxy.broker.operate.replay\n"
        "import queueproxy.broker.registration, queueproxy.broker.worker_broker\n"
        "import queueproxy.broker.operate.control\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT.parent)


CONSTRUCTORS = {"Keys", "Link", "AsyncLink"}


def test_one_handle_makes_every_key_and_link():
    """A lease or a namespace spelled in two places comes to differ in one."""
    builders = {
        name
        for path, name in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in CONSTRUCTORS
    }
    assert builders == {"queueproxy.broker.handle"}
