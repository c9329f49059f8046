"""What the management commands have in common: help, suggestions, colours, exit status."""

import argparse
import os
import textwrap
from collections.abc import Iterator
from typing import Any, NoReturn

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

from ..wording import did_you_mean
from .ask import COULD_NOT_ASK, DID_NOT_HOLD
from .examples import EXAMPLES

NO_COLOR = "NO_COLOR"  # variable by which people want no colours (no-color.org)
NOTHING: tuple[object, ...] = (None, False, "", (), [])  # defaults that say nothing


class HelpfulCommand(BaseCommand):
    """A command that suggests what may be meant, and tells defaults and examples in its help.

    What raises a CommandError could not be asked or started at all, so its exit status is 2
    unless it says another. ``NO_COLOR`` in the environment is ``--no-color``.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        options = list(_options(parser))
        for one in _with_subparsers(parser):
            one.formatter_class = CommandHelp
            one.epilog = one.epilog or EXAMPLES.get(" ".join(one.prog.split()[1:]))
            _suggest_in_errors(one, options)
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        if os.environ.get(NO_COLOR) and not options.get("force_color"):
            options["no_color"] = True
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if error.returncode == DID_NOT_HOLD:  # Django's own default
                error.returncode = COULD_NOT_ASK
            raise


class CommandHelp(DjangoHelpFormatter):
    """Tells defaults, and leaves the lines of examples as they are."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.default in (*NOTHING, argparse.SUPPRESS) or "default" in text:
            return text
        if isinstance(action.default, float):
            return f"{text} (default: {action.default:g})".lstrip()
        return f"{text} (default: %(default)s)".lstrip()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Examples:"):
            return textwrap.indent(text, indent)
        return super()._fill_text(text, width, indent)


def _with_subparsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help for choice in action._choices_actions}
            for name, child in action.choices.items():
                child.description = child.description or _sentence(told.get(name))
                yield from _with_subparsers(child)


def _sentence(text: str | None) -> str | None:
    return text and f"{text[0].upper()}{text[1:]}."


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for one in _with_subparsers(parser):
        for action in one._actions:
            yield from action.option_strings


def _suggest_in_errors(parser: argparse.ArgumentParser, options: list[str]) -> None:
    """Let the parser say what may have been meant, where a word is none that it knows."""
    say = parser.error

    def error(message: str) -> NoReturn:
        suggestion = _suggestion(parser, options, message)
        say(f"{message}.{suggestion}" if suggestion else message)

    parser.error = error  # type: ignore[method-assign]  # of this parser alone


def _suggestion(parser: argparse.ArgumentParser, options: list[str], message: str) -> str:
    _, unknown, words = message.partition("unrecognized arguments: ")
    if unknown:
        return "".join(did_you_mean(word.partition("=")[0], options) for word in words.split())
    _, unknown, words = message.partition("invalid choice: ")
    if unknown:
        choices = [choice for action in parser._actions for choice in action.choices or ()]
        return did_you_mean(words.split(" (")[0].strip("'"), [str(choice) for choice in choices])
    return ""
