"""A look at the server that carries the queue, when a command starts."""

import logging

from django.core.management.base import CommandError

from .. import conf
from ..broker.link.connect import server_info
from ..checks import problems_of_server
from ..exceptions import BrokerUnavailable

logger = logging.getLogger("queueproxy")


def refuse_unfit_server(*, required: bool) -> None:
    """Raise CommandError where the server would lose requests; say so where it is away.

    Args:
        required: whether an absent server is an error too.
    """
    try:
        info = server_info(conf.broker().address)
    except BrokerUnavailable as error:
        if required:
            raise CommandError(f"The broker can't be reached: {error}", returncode=2) from error
        logger.warning("The broker can't be reached yet: %s", error)
        return
    for problem in problems_of_server(info):
        words = f"{problem.message} {problem.hint}"
        if not problem.is_warning:
            raise CommandError(words)
        logger.warning("%s", words)
