"""Reaps orphans: a process that is number 1 of its container is given those of all others."""

import os
from collections.abc import Collection


def reap_adopted(own: Collection[int]) -> None:
    """Reap zombie processes, except our `own` children (process ids).

    Those are waited for by whoever started them: it wants their exit status. Where the system has
    no waitid (macOS before Python 3.13) nothing happens.
    """
    if not hasattr(os, "waitid"):
        return
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid in own:
            return
        os.waitpid(dead.si_pid, os.WNOHANG)
