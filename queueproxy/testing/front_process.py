"""python -m queueproxy.testing.front_process: runqueueproxy that ends with who started it.

Arguments as for the command. Its standard input is held open by the tests; when that is closed, for
they have ended in whatever way, it ends too.
"""

import os
import signal
import sys
import threading

from django.core.management import execute_from_command_line


def _end_with_tests() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_tests, daemon=True).start()
    execute_from_command_line(["manage.py", "runqueueproxy", *sys.argv[1:]])
