"""The command line of ``manage.py queueproxy``: each verb is there, and brings no other along."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator

from queueproxy.management.commands.queueproxy import Command

FOREIGN = (
    *("channels.consumer", "rich", "queueproxy.asgi", "queueproxy.dashboard.views"),
    "queueproxy.worker",
)
PAUSE = f"""
import sys, django
from django.core.management import load_command_class
django.setup()
command = load_command_class("queueproxy", "queueproxy")
run = command.create_parser("manage.py", "queueproxy").parse_args(["pause"]).run
run.load()
print(*sorted(set({FOREIGN!r}) & set(sys.modules)))
"""


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers below it that have no verbs of their own."""
    verbs = [
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    if not verbs:
        yield parser
    for choices in verbs:
        for below in choices.values():
            yield from leaves(below)


def test_each_verb_runs_a_function():
    found = list(leaves(Command().create_parser("manage.py", "queueproxy")))
    assert len(found) > 20
    for parser in found:
        assert callable(parser.get_default("run").load()), parser.prog


def test_a_verb_imports_nothing_of_the_others():
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run(
        [sys.executable, "-c", PAUSE], capture_output=True, text=True, timeout=60, env=environ
    )
    assert done.stdout == "\n", done.stdout + done.stderr
