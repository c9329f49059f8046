"""The dashboard by Django's test client, before a real broker."""

import asyncio
import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from queueproxy import conf
from queueproxy.broker.own_release import OwnRelease

from ...brokers import BrokerKit, answer

PERMISSIONS = ("view_dashboard", "control_queue", "manage_dead_letters", "manage_releases")


class Scenario:
    """A broker with what a test puts there, in the namespace of the example project.

    Django's test client is synchronous, fronts are not: each coroutine has a loop of its own.
    """

    def __init__(self, url: str):
        self.url = url
        self.kit = self._kit()

    def _kit(self) -> BrokerKit:
        kit = BrokerKit(self.url, namespace=conf.get_settings().namespace)
        kit.codec = kit.broker.codec(conf.signing_secrets())
        return kit

    def put(self, *ids: str, **options) -> None:
        """Requests that wait, held by a front that stays on the list."""

        async def put() -> None:
            kit = self._kit()
            front_broker = await kit.front_broker(f"front-{'-'.join(ids)}")
            await kit.put(front_broker, *ids, **options)
            await kit.close()

        asyncio.run(put())

    def age(self, queue: str, seconds: int) -> None:
        """Let the only request of a queue have come so much earlier."""
        key = self.kit.keys.named("queue", queue)
        ((entry, fields),) = self.kit.client.xrange(key)
        self.kit.client.delete(key)  # a stream takes no entry of the same id
        fields[b"c"] = int(fields[b"c"]) - seconds * 1000
        self.kit.client.xadd(key, fields, id=entry)

    def sample(self) -> None:
        """A row of history now."""

        async def sample() -> None:
            kit = self._kit()
            await (await kit.front_broker("sampler")).sample()
            await kit.close()

        asyncio.run(sample())

    def kill_one(self, id: str = "a", **options) -> str:
        """A dead letter; its id."""
        self.put(id, most=1, **options)
        registration = self.kit.registration()
        assert self.kit.worker_broker(registration).settle_and_claim(None).id == id
        registration.leave()  # with the request in its hands
        return self.kit.control().dead_letters(1)[0].id

    def release(self, name: str, workers: int = 1) -> None:
        """Workers that stand by, or serve where nobody else does."""
        for _ in range(workers):
            self.kit.registration(release=OwnRelease(name, 1))

    def worker(self, *, lose: bool = False) -> threading.Thread:
        """A worker that runs one request, and loses it where told; join it."""
        registration = self.kit.registration()
        self.kit.client.hset(
            self.kit.keys.named("worker", registration.worker),
            "info",
            b'{"host": "h", "pid": 7, "queues": ["high", "default", "low"], "threads": 1}',
        )
        worker_broker = self.kit.worker_broker(registration)

        def run() -> None:
            claim = None
            while claim is None:
                claim = worker_broker.wait()
            if lose:
                registration.leave()
            else:
                worker_broker.settle_and_claim(answer(claim), claim=False)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def scenario(broker):
    scenario = Scenario(broker.url)
    yield scenario
    asyncio.run(scenario.kit.close())


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
    """With all permissions."""
    return staff(*PERMISSIONS)
