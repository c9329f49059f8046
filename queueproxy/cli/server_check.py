"""A look at the server that carries the queue, when a command starts."""

import logging

from django.core.management.base import CommandError

from .. import conf
from ..broker.link.connect import server_info
from ..checks import problems_of_server
from ..exceptions import BrokerUnavailable, ErrorReply, ScriptsUnreadable

logger = logging.getLogger("queueproxy")


def refuse_unfit_server() -> None:
    """Raise CommandError where the server would lose requests; say so where it is away."""
    try:
        info = server_info(conf.broker().address)
    except ScriptsUnreadable as error:
        raise CommandError(str(error)) from error
    except ErrorReply as error:
        logger.warning("%s", error)
        return
    except BrokerUnavailable as error:
        logger.warning("The broker can't be reached yet: %s", error)
        return
    for problem in problems_of_server(info):
        words = f"{problem.message} {problem.hint}"
        if not problem.is_warning:
            raise CommandError(words)
        logger.warning("%s", words)
