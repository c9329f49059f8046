import os

from django.apps import AppConfig

from . import mishap, note, switches


class ChaosConfig(AppConfig):
    """Puts the mishaps at their places and switches safeguards off, in this process only."""

    name = "tests.chaos.probe"
    label = "chaos"

    def ready(self):
        for name in filter(None, os.environ.get("CHAOS_SWITCH_OFF", "").split(",")):
            switches.SWITCHES[name]()
        _watch_threads()


def _watch_threads() -> None:
    from queueproxy.worker import loop, process

    class WatchedThread(loop.ExecutorThread):
        def _execute(self, claim):
            note.expect(claim.attempt)
            mishap.expect(claim.head, claim.attempt)
            mishap.at("claimed")
            super()._execute(claim)

        def _open(self, claim):
            envelope = super()._open(claim)
            mishap.at("entering")
            return envelope

        def _finish(self, *args):
            mishap.at("before-settle")
            super()._finish(*args)
            mishap.at("settled")  # and perhaps the next claimed

    process.ExecutorThread = WatchedThread
