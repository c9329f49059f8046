import os

from django.apps import AppConfig

from . import mishap, note, switches

COMMIT_TAKES = 0.0005  # seconds


class ChaosConfig(AppConfig):
    """Puts the mishaps at their places and switches safeguards off, in this process only."""

    name = "tests.chaos.probe"
    label = "chaos"

    def ready(self):
        for name in filter(None, os.environ.get("CHAOS_SWITCH_OFF", "").split(",")):
            switches.SWITCHES[name]()
        _watch_claims()
        _watch_claims_of_loops()
        _watch_transactions()


def _watch_claims() -> None:
    from queueproxy.broker.worker_broker import WorkerBroker
    from queueproxy.worker import runners

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

    runners.WorkerBroker = WatchedWorkerBroker


def _watch_claims_of_loops() -> None:
    from queueproxy.broker.async_worker_broker import AsyncWorkerBroker
    from queueproxy.worker.asynchronous import runner

    class WatchedWorkerBroker(AsyncWorkerBroker):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            note.this_is_the_worker()

        async def settle(self, slot, settlement):
            mishap.at("before-settle")
            await super().settle(slot, settlement)
            mishap.at("settled")

        async def claim(self, slot):
            return _begin(await super().claim(slot))

        async def wait(self, slot):
            return _begin(await super().wait(slot))

        async def open(self, slot, claim):
            envelope = await super().open(slot, claim)
            mishap.at("entering")
            return envelope

    runner.AsyncWorkerBroker = WatchedWorkerBroker


def _watch_transactions() -> None:
    from queueproxy.exactly_once.sessions import VENDORS
    from queueproxy.worker import fenced_run
    from queueproxy.worker.fenced_run import FencedRun

    store, find, committed = fenced_run.store, fenced_run.find, FencedRun._note_commit

    def watched(begin):
        def watched_begin(self, *args):
            mishap.at("before-insert")
            begun = begin(self, *args)
            mishap.at("inserted")
            return begun

        return watched_begin

    def watched_store(*args):
        mishap.at("before-update")
        stored = store(*args)
        mishap.at("before-commit")
        mishap.within("in-commit", COMMIT_TAKES)
        return stored

    def watched_find(*args):
        row = find(*args)
        mishap.at("replay")
        return row

    def watched_commit(self):
        committed(self)
        mishap.at("committed")

    for session in VENDORS.values():
        session.begin = watched(session.begin)
    fenced_run.store = watched_store
    fenced_run.find = watched_find
    FencedRun._note_commit = watched_commit


def _begin(claim):
    if claim is not None:
        note.expect(claim.attempt)
        mishap.expect(claim.head, claim.attempt)
        mishap.at("claimed")
    return claim
