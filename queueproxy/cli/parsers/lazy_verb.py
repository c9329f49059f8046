"""Binds a verb to the function that runs it, and imports that when it is called."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, cast

from django.core.management.base import BaseCommand

Run = Callable[[BaseCommand, dict[str, Any]], int]


class LazyVerb(NamedTuple):
    """A function of a module below ``queueproxy.cli``.

    Args:
        module: without that prefix.
        function: takes the command and its options, and returns the exit status.
    """

    module: str
    function: str

    def load(self) -> Run:
        """Import it."""
        module = import_module(f"queueproxy.cli.{self.module}")
        return cast(Run, getattr(module, self.function))

    def __call__(self, command: BaseCommand, options: dict[str, Any]) -> int:
        return self.load()(command, options)
