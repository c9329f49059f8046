"""What ``runqueueworker`` is in a process that its supervisor has started: it serves.

Imported there alone. A supervisor runs no request, and starts sooner without what that needs.
"""

import sys
from typing import NoReturn

from django.core.management.base import CommandError

from ..exceptions import SchemaMismatch
from ..worker.options import WorkerOptions
from ..worker.process import Worker
from ..worker.process_words import CANNOT_START
from ..worker.serving import serve
from ..worker.status_pipe import StatusPipe
from .worker_options import errors_in_one_line


def run_process(options: WorkerOptions, status: StatusPipe) -> NoReturn:
    """Serve until told to stop, then exit.

    Raises:
        CommandError: this process can't start.
    """
    with errors_in_one_line():
        worker = Worker(options, status.write)
    try:
        sys.exit(serve(worker, status))
    except SchemaMismatch as error:
        raise CommandError(str(error), returncode=CANNOT_START) from error
