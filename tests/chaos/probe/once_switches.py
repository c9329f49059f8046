"""Safeguards of what happens exactly once; they need the project's models."""

import secrets


def unique_key() -> None:
    """Each attempt has a row of its own."""
    from queueproxy.worker import fence

    from . import switches

    original = fence.identity_of

    def identity_of(*args):
        return original(*args)._replace(key=secrets.token_hex(16))

    switches.replace(fence, "identity_of", identity_of)


def answer_outside() -> None:
    """The answer is stored once the effects have been committed."""
    from queueproxy.worker import fenced_run
    from queueproxy.worker.fenced_run import FencedRun

    from . import mishap, switches

    store, committed = fenced_run.store, FencedRun._note_commit

    def note_commit(self):
        committed(self)
        mishap.at("committed")
        store(self._database, self._identity.key, fenced_run._as_stored(self._stored))

    switches.replace(fenced_run, "store", lambda *args: True)
    switches.replace(FencedRun, "_note_commit", note_commit)


def insert_last() -> None:
    """The row is written once the view has been run."""
    from queueproxy.worker.fenced_run import FencedRun

    from . import switches

    begin, answer = FencedRun._begin, FencedRun._answer

    def keep_session(self, session):
        self._session = session

    def answer_then_begin(self):
        found = answer(self)
        begin(self, self._session)
        return found

    switches.replace(FencedRun, "_begin", keep_session)
    switches.replace(FencedRun, "_answer", answer_then_begin)


def chosen_key() -> None:
    """The key of a row is X-Request-ID, which a client may choose."""
    from queueproxy.worker import fence

    from . import switches

    original = fence.identity_of

    def identity_of(envelope, cookie):
        found = original(envelope, cookie)
        return found if found.has_clients_key else found._replace(key=envelope.head.request_id)

    switches.replace(fence, "identity_of", identity_of)


def waiting_for_locks() -> None:
    """Duplicates wait in the database until the first has ended."""
    from queueproxy.exactly_once.sessions import PostgreSQLSession

    from . import switches

    for name in ("_SETTINGS", "_LOCK"):
        waits = getattr(PostgreSQLSession, name).replace(
            "pg_try_advisory_xact_lock(%s)", "pg_advisory_xact_lock(%s)::text = ''"
        )
        switches.replace(PostgreSQLSession, name, waits)


IN_DATABASES = (unique_key, answer_outside, insert_last, chosen_key, waiting_for_locks)
