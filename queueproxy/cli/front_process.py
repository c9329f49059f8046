"""Starts a front as a process of its own, on a socket that is open already."""

import os
import socket
import subprocess
from collections.abc import Sequence

from .program import PARENT_FD_VARIABLE, READY_FD_VARIABLE, this_program


def start_front(
    options: Sequence[str],
    listening: socket.socket,
    pipe: int,
    directory: str,
    *,
    ready: int | None = None,
    own_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start ``manage.py runqueueproxy``.

    Args:
        options: words of the command line.
        listening: the socket that it takes over.
        pipe: the reading end of one that closes with this process: the front drains then.
        directory: see `program.directory`.
        ready: the writing end of one by which it says that it listens; see `program.tell_ready`.
        own_session: whether Ctrl-C in a terminal is kept from it.

    Raises:
        OSError: it could not be started.
    """
    descriptors = [listening.fileno(), pipe]
    where = {"PWD": directory, PARENT_FD_VARIABLE: str(pipe)}
    if ready is not None:
        descriptors.append(ready)
        where[READY_FD_VARIABLE] = str(ready)
    return subprocess.Popen(
        [*this_program(), "runqueueproxy", "--fd", str(listening.fileno()), *options],
        start_new_session=own_session,
        cwd=directory,
        env={**os.environ, **where},
        pass_fds=descriptors,
    )
