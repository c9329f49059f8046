"""The command of a hold and the signals around it."""

import os
import signal
import subprocess

import pytest

from queueproxy.cli import foreground as module
from queueproxy.cli.foreground import ForegroundCommand, Interrupted

NUMBERS = [signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", NUMBERS)
def test_before_the_command_it_interrupts_once(number):
    with ForegroundCommand():
        with pytest.raises(Interrupted) as caught:
            signal.raise_signal(number)
        assert caught.value.number == number
        signal.raise_signal(number)  # what is left to do now must not be broken off


@pytest.mark.parametrize("number", NUMBERS)
def test_while_the_command_is_being_started_it_is_kept_for_it(number, monkeypatch):
    class Slow(subprocess.Popen):
        def __init__(self, words):
            super().__init__(words)
            os.kill(os.getpid(), number)  # the process is there, and nobody knows of it yet

    monkeypatch.setattr(module.subprocess, "Popen", Slow)
    with ForegroundCommand() as child:
        assert child.run(["sleep", "60"]) == 128 + number


def test_after_the_command_it_is_let_pass():
    with ForegroundCommand() as child:
        assert child.run(["sh", "-c", "exit 5"]) == 5
        signal.raise_signal(signal.SIGTERM)


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in module.SIGNALS]
    with ForegroundCommand():
        assert [signal.getsignal(number) for number in module.SIGNALS] != before
    assert [signal.getsignal(number) for number in module.SIGNALS] == before


def test_a_command_that_can_not_be_started():
    with ForegroundCommand() as child, pytest.raises(OSError, match="No such file"):
        child.run(["/no/such/command"])


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_interruptible_after_the_command_is_interrupted_once(number):
    with ForegroundCommand() as child:
        assert child.run(["true"]) == 0
        with pytest.raises(Interrupted), child.interruptible():
            signal.raise_signal(number)
        signal.raise_signal(number)


class Deleted:
    """A signal that comes while it is deleted raises nothing: Python lets no error out of there."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_could_not_raise(tmp_path):
    ran = tmp_path / "ran"
    with ForegroundCommand() as child:
        child.check()
        thing = Deleted()
        del thing
        for attempt in (child.check, lambda: child.run(["touch", str(ran)])):
            with pytest.raises(Interrupted) as caught:
                attempt()
            assert caught.value.number == signal.SIGINT
    assert not ran.exists()
