"""manage.py runserver: Daphne's, an ASGI server, so that it is a front.

It stands here so that `daphne` need not be in INSTALLED_APPS, where each process, the workers too,
would import Twisted.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
