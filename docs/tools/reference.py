"""Write into the pages what the code says of its settings, commands and metrics.

Between ``<!-- generated: NAME -->`` and ``<!-- end -->`` stands what this writes; of a setting the
sentences below its first line are written by hand, and kept. ``make reference`` runs it, and
tests/unit/test_docs.py says where a page and the code differ.
"""

import argparse
import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1]
sys.path.insert(0, str(DOCS.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import django  # noqa: E402

django.setup()

from django.core.management.base import BaseCommand  # noqa: E402

from queueproxy import conf  # noqa: E402
from queueproxy.broker.observe import metrics  # noqa: E402
from queueproxy.broker.observe.groups import GroupStats  # noqa: E402
from queueproxy.broker.observe.snapshot import QueueStats, Snapshot  # noqa: E402
from queueproxy.management.commands import queueproxy, runqueueproxy, runqueueworker  # noqa: E402
from queueproxy.setting_rules import MIB, RULES  # noqa: E402

COMMANDS = {
    "runqueueproxy": runqueueproxy,
    "runqueueworker": runqueueworker,
    "queueproxy": queueproxy,
}
UNWRITTEN = "To be written."
# Defaults that depend on other settings.
DEFAULTS_IN_WORDS = {
    "CACHE_ALIAS": '`"queueproxy"` where `CACHES` has it, else `"default"`',
    "SERVER_TIMING": "`DEBUG`",
}


# Settings.


def settings(kept: str) -> str:
    """Tell each key with its default and what it may be; the rest of a section is kept."""
    texts = dict(re.findall(r"^### `(\w+)`\n\n[^\n]+\n\n(.*?)(?=^### |\Z)", kept, re.M | re.S))
    sections = []
    for key in sorted(conf.KEYS):
        wanted = RULES[key](object())
        text = texts.get(key, UNWRITTEN).strip()
        sections.append(f"### `{key}`\n\nDefault: {_default(key)}. Must be: {wanted}.\n\n{text}\n")
    return "\n".join(sections)


def _default(key: str) -> str:
    if key in DEFAULTS_IN_WORDS:
        return DEFAULTS_IN_WORDS[key]
    one = conf.KEYS[key]
    value = one.default if one.default is not dataclasses.MISSING else one.default_factory()
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, int) and value >= MIB and value % MIB == 0:
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value!r}`".replace("'", '"')


# Commands.


def commands(_kept: str) -> str:
    """Tell each command, each of its verbs, and their options."""
    parts = []
    for name, module in COMMANDS.items():
        parser = module.Command().create_parser("manage.py", name)
        parts += [f"## {name}\n", f"{_about(parser.description)}\n", *_of_parser(parser, 3)]
    return "\n".join(parts)


def _of_parser(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    options = [action for action in parser._actions if _is_ours(action)]
    if options:
        yield "| | default | what it does |"
        yield "|---|---|---|"
        yield from map(_row, options)
        yield ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            about = {choice.dest: choice.help for choice in action._choices_actions}
            for name, verb in action.choices.items():
                if name in about or any(name == key.split(" ")[0] for key in about):
                    text = next(v for k, v in about.items() if k.split(" ")[0] == name)
                    yield f"{'#' * level} {_name(verb)}\n"
                    yield f"    manage.py {_usage(verb)}\n"
                    yield f"{_sentence(text)}\n"
                    yield from _of_parser(verb, level + 1)


def _is_ours(action: argparse.Action) -> bool:
    ready_made = {option for a in _bare()._actions for option in a.option_strings}
    is_help = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    return not is_help and not set(action.option_strings) & ready_made


def _bare() -> argparse.ArgumentParser:
    """Django's own options, which each command has."""

    class Command(BaseCommand):
        pass

    return Command().create_parser("manage.py", "x")


def _name(parser: argparse.ArgumentParser) -> str:
    return parser.prog.removeprefix("manage.py ")


def _usage(parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: manage.py ")
    return usage.replace("[-h] ", "").replace(" [-h]", "")


def _row(action: argparse.Action) -> str:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.nargs != 0:
        name += f" {_value(action)}"
    empty = action.default in (None, False, "", [], argparse.SUPPRESS)
    default = "" if empty or action.nargs == 0 else f"`{_number(action.default)}`"
    return f"| `{name}` | {default} | {_cell(action.help or '')} |"


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|")


def _about(text: str | None) -> str:
    return _sentence(text or "")


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


# Metrics.


def metric_table(_kept: str) -> str:
    """Tell each metric, from what a front would answer."""
    rows = ["| metric | type | labels | what it is |", "|---|---|---|---|"]
    text = metrics.exposition(_eventful())
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    for name, words in re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE):
        sample = re.search(rf"^{name}(?:_bucket)?(?:{{(.*)}})? ", text, re.MULTILINE)
        labels = re.findall(r'(\w+)="', sample[1] or "") if sample else []
        shown = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{name}` | {kinds[name]} | {shown} | {words} |")
    return "\n".join(rows) + "\n"


def _eventful() -> Snapshot:
    """A system in which everything that is counted by name has happened once."""
    queue = QueueStats("default", totals={"failed:x": 1}, codes={("GET", "200"): 1})
    group = GroupStats("view", at_most=1, running=1, waiting=0)
    return Snapshot(0, "valkey", "9", 0, [queue], [], [], 0, [group])


# Pages.

PARTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "settings": ("settings.md", settings),
    "commands": ("reference/commands.md", commands),
    "metrics": ("reference/metrics.md", metric_table),
}


def renewed(name: str) -> tuple[Path, str, str]:
    """Return a page, what stands in it, and what should."""
    file, write = PARTS[name]
    page = DOCS / file
    text = page.read_text()
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->\n"
    before, _, rest = text.partition(begin)
    kept, _, after = rest.partition(end)
    return page, text, f"{before}{begin}\n{write(kept)}\n{end}{after}"


def main() -> None:
    """Write every page anew."""
    for name in PARTS:
        page, before, after = renewed(name)
        if before != after:
            page.write_text(after)
            print(f"{page.relative_to(DOCS.parent)} is written anew")


if __name__ == "__main__":
    main()
