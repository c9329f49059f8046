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
        _watch_claims()


def _watch_claims() -> None:
    from queueproxy.broker.worker_broker import WorkerBroker
    from queueproxy.worker import process

    class WatchedWorkerBroker(WorkerBroker):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            note.this_is_the_worker()

        def settle_and_claim(self, settlement, **options):
            if settlement is not None:
                mishap.at("before-settle")
            claim = super().settle_and_claim(settlement, **options)
            if settlement is not None:
                mishap.at("settled")  # and perhaps the next claimed
            return _begin(claim)

        def wait(self):
            return _begin(super().wait())

        def open(self, claim):
            envelope = super().open(claim)
            mishap.at("entering")
            return envelope

    process.WorkerBroker = WatchedWorkerBroker


def _begin(claim):
    if claim is not None:
        note.expect(claim.attempt)
        mishap.expect(claim.head, claim.attempt)
        mishap.at("claimed")
    return claim
