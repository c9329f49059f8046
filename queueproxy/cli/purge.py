"""queueproxy purge."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from .. import conf
from ..exactly_once.purge import databases, purge
from ..wording import count_text
from .ask import COULD_NOT_ASK, DONE


def purge_executions(command: BaseCommand, options: dict[str, Any]) -> int:
    """Delete the rows of exactly-once requests that are older than KEEP_EXECUTIONS."""
    kept = conf.get_settings().keep_executions
    try:
        for database in options["databases"] or databases():
            gone = sum(purge(database, kept))
            command.stdout.write(f"{database}: {count_text(gone, 'execution')} deleted.")
    except Error as error:
        command.stderr.write(str(error).partition("\n")[0])
        return COULD_NOT_ASK
    return DONE
