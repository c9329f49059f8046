"""What pyproject.toml promises, held to the code, to the Makefile's environment and to nox."""

import ast
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import django
import pytest
from packaging.requirements import Requirement

import queueproxy
from queueproxy import servers

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
BOUNDED = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]


OTHERS = {"whitenoise"}  # packages that a hint may name, and no extra brings


def texts():
    """Every string in the package."""
    for path in Path(queueproxy.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def test_a_hint_names_an_extra_that_there_is():
    hints = [
        (path, said.rstrip(",."))
        for path, text in texts()
        for said in re.findall(r"pip install (\S+)", text)
    ]
    assert len(hints) >= 3
    for path, said in hints:
        if said in OTHERS:
            continue
        name = re.fullmatch(r"'?queueproxy(?:\[(\w+)\])?'?", said)
        assert name, f"{path}: {said}"
        assert name.group(1) is None or name.group(1) in EXTRAS


@pytest.mark.parametrize("server", servers.SERVERS)
def test_a_hint_brings_the_server(server):
    extra = re.search(r"\[(\w+)\]", servers.HOW_TO_INSTALL[server])
    brought = EXTRAS[extra.group(1)] if extra else PROJECT["dependencies"]
    assert server in [Requirement(one).name for one in brought]


@pytest.mark.parametrize("requirement", [*map(Requirement, BOUNDED)], ids=str)
def test_a_bound_allows_what_is_installed(requirement):
    assert version(requirement.name) in requirement.specifier
    assert re.search(r">=", str(requirement)), "the oldest versions are tried by nox -s lowest"


def test_requirements_are_the_package_its_extras_and_the_groups():
    """One file repeats them, so that `make` needs no build."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [line.partition(";")[0].strip() for line in lines if line[:1] != "#"]
    groups = PYPROJECT["dependency-groups"].values()
    assert sorted(listed) == sorted({*BOUNDED, *(one for group in groups for one in group)})


def test_the_classifiers_are_what_nox_runs():
    said = ast.parse((ROOT / "noxfile.py").read_text())
    values = {
        node.targets[0].id: node.value
        for node in said.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    pythons = ast.literal_eval(values["PYTHONS"])
    djangos = [ast.literal_eval(key) for key in values["DJANGOS"].keys]
    classifiers = PROJECT["classifiers"]
    assert {f"Programming Language :: Python :: {one}" for one in pythons} == {
        one for one in classifiers if re.search(r"Python :: 3\.\d+$", one)
    }
    assert {f"Framework :: Django :: {one}" for one in djangos} == {
        one for one in classifiers if re.search(r"Django :: \d", one)
    }
    assert f"{django.VERSION[0]}.{django.VERSION[1]}" in djangos
