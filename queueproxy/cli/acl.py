"""queueproxy acl: users for the broker with no more rights than each part needs."""

from typing import Any

from django.core.management.base import BaseCommand

from .. import conf
from ..broker.link.connect import database_of
from ..broker.operate.acl import as_command, as_file_line, users
from .ask import DONE

FORMATS = {"setuser": as_command, "aclfile": as_file_line}


def acl(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print a line for each user; the broker is not asked."""
    broker = conf.broker()
    database = database_of(broker.address)
    for user in users(
        broker.namespace,
        database=database[-1] if database else 0,
        passwords=options["passwords"],
    ):
        command.stdout.write(FORMATS[options["format"]](user))
    return DONE
