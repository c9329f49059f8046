import os

from django.apps import AppConfig

from . import crash, switches


class ChaosConfig(AppConfig):
    """Puts the crashes at their places and switches safeguards off, in this process only."""

    name = "tests.chaos.probe"
    label = "chaos"

    def ready(self):
        for name in filter(None, os.environ.get("CHAOS_SWITCH_OFF", "").split(",")):
            switches.SWITCHES[name]()
        if crash.SHARE:
            _crash_around_django()


def _crash_around_django() -> None:
    from queueproxy.worker import loop

    class CrashingThread(loop.ExecutorThread):
        def _execute(self, claim):
            crash.maybe()  # claimed
            super()._execute(claim)

        def _open(self, claim):
            envelope = super()._open(claim)
            crash.maybe()  # entering Django
            return envelope

        def _finish(self, *args):
            crash.maybe()  # before settle
            super()._finish(*args)
            crash.maybe()  # settled, and the next claimed

    from queueproxy.worker import process

    process.ExecutorThread = CrashingThread
