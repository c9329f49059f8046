"""The words of errors, which are their docstrings."""

import subprocess
import sys
from pathlib import Path

import queueproxy
from queueproxy.exactly_once.identity import KeyMalformed
from queueproxy.exceptions import Fenced, StreamEnded


def test_the_docstring_is_the_message():
    assert str(Fenced()) == "The broker has given this worker or front up; it must register again."
    assert str(StreamEnded()) == "A stream was ended because its worker drains (STREAM_GRACE)."
    assert str(KeyMalformed()).startswith("The Idempotency-Key is none")


def test_errors_have_words_where_python_drops_docstrings():
    """As it does with -OO: an error that has no words is another error where it is logged."""
    code = (
        "from queueproxy.exactly_once.identity import KeyMalformed\n"
        "from queueproxy.exceptions import Fenced, StreamEnded\n"
        "print(Fenced(), StreamEnded(), KeyMalformed())\n"
    )
    command = [sys.executable, "-OO", "-c", code]
    place = Path(queueproxy.__file__).parent.parent
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=place)
    assert told.stdout.split() == ["Fenced", "StreamEnded", "KeyMalformed"], told.stderr
