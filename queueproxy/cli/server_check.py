"""Checks the server that carries the queue, when a command starts."""

import logging

from django.core.management.base import CommandError

from .. import conf
from ..broker.link.connect import server_info
from ..broker.link.protocol import checked, refuse_other_schema
from ..checks import problems_of_server
from ..exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch, ScriptsUnreadable

logger = logging.getLogger("queueproxy")


def refuse_unfit_server() -> None:
    """Refuse to start where it would go wrong; only say so where the server is away.

    Raises:
        CommandError: the server would lose requests, or its keys are another release's.
    """
    try:
        info = server_info(conf.broker().address)
        _refuse_other_schema()
    except ScriptsUnreadable as error:
        raise CommandError(str(error)) from error
    except ErrorReply as error:
        logger.warning("%s", error)
        return
    except BrokerUnavailable as error:
        logger.warning("The broker can't be reached yet: %s", error)
        return
    except SchemaMismatch as error:
        raise CommandError(str(error)) from error
    for problem in problems_of_server(info):
        words = f"{problem.message} {problem.hint}"
        if not problem.is_warning:
            raise CommandError(words)
        logger.warning("%s", words)


def _refuse_other_schema() -> None:
    with conf.broker().link("check") as link:
        (fields,) = link.commands([("HMGET", link.keys.state, "run", "schema")])
    refuse_other_schema(*(field and field.decode("utf-8", "replace") for field in checked(fields)))
