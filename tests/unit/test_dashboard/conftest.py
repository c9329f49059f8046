"""The dashboard by Django's test client, before a real broker."""

import asyncio
import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from queueproxy import conf
from queueproxy.envelopes import Codec

from ...brokers import Office, answer

PERMISSIONS = ("view_dashboard", "control_queue", "manage_dead_letters")


class Stage:
    """A broker with what a test puts there, in the namespace of the example project.

    Django's test client is synchronous, fronts are not: each coroutine has a loop of its own.
    """

    def __init__(self, url: str):
        self.url = url
        self.office = self._office()

    def _office(self) -> Office:
        office = Office(self.url, namespace=conf.get_settings().namespace)
        office.codec = Codec(conf.signing_secrets())
        return office

    def put(self, *ids: str, **options) -> None:
        """Requests that wait, held by a front that stays on the list."""

        async def put() -> None:
            office = self._office()
            desk = await office.desk(f"front-{'-'.join(ids)}")
            await office.put(desk, *ids, **options)
            await office.close()

        asyncio.run(put())

    def sample(self) -> None:
        """A row of history now."""

        async def sample() -> None:
            office = self._office()
            await (await office.desk("sampler")).sample()
            await office.close()

        asyncio.run(sample())

    def kill_one(self, id: str = "a", **options) -> str:
        """A dead letter; its id."""
        self.put(id, most=1, **options)
        member = self.office.member()
        assert self.office.seat(member).turn(None).id == id
        member.leave()  # with the request in its hands
        return self.office.control().dead_letters(1)[0].id

    def worker(self, *, lose: bool = False) -> threading.Thread:
        """A worker that runs one request, and loses it where told; join it."""
        member = self.office.member()
        self.office.client.hset(
            self.office.keys.named("worker", member.worker),
            "info",
            b'{"host": "h", "pid": 7, "queues": ["high", "default", "low"], "threads": 1}',
        )
        seat = self.office.seat(member)

        def run() -> None:
            claim = None
            while claim is None:
                claim = seat.wait()
            if lose:
                member.leave()
            else:
                seat.turn(answer(claim), claim=False)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def stage(broker):
    return Stage(broker.url)


@pytest.fixture
def staff(db):
    """Makes a client that somebody of the staff with these permissions has logged in with."""

    def staff(*permissions: str, **options) -> Client:
        user = User.objects.create_user("ann", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        assert user.user_permissions.count() == len(permissions)
        client = Client(**options)
        client.force_login(user)
        return client

    return staff


@pytest.fixture
def boss(staff):
    """With all three permissions."""
    return staff(*PERMISSIONS)
