"""A process ends with its status, also where nobody reads what it writes."""

import os
import subprocess
import sys

import pytest

ENDS = "from queueproxy.worker.ending import end_now; print('a line'); end_now(3)"
FORKS = """
import os
from queueproxy.worker.forking import end_forked_child, guard_forks
guard_forks()
child = os.fork()
if not child:
    end_forked_child({outcome})
    os._exit(77)  # it has come back
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
OUTCOMES = {"SystemExit('words')": 1, "SystemExit(4)": 4, "ValueError()": 1, "0": 0}


@pytest.mark.parametrize(
    ("code", "status"),
    [(ENDS, 3), *((FORKS.format(outcome=one), status) for one, status in OUTCOMES.items())],
)
def test_into_a_pipe_that_nobody_reads(code, status):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=writing, stderr=writing, env=BUFFERED)
    finally:
        os.close(writing)
    assert done.returncode == status
