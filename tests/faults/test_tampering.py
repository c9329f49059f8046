"""What stands in the broker, altered behind the system's back: never run, never delivered."""

import itertools
from collections.abc import Callable

import pytest

from ..kit.waiting import wait_until
from .fault_site import FaultSite, Frozen, Sent

QUEUE = "{queueproxy}:queue:default"
SIGNED = (b"h", b"b", b"s")  # fields of a request's entry and of a reply's: head, body, signature
PROMPTLY = 55.0  # seconds, with hundreds of others; half the hold

Fields = dict[bytes, bytes]
numbers = itertools.count()


@pytest.fixture
def site(make_site):
    """Leases and holds that outlast the test, so that neither is what ends a request."""
    site = make_site(LEASE=40, MAX_HOLD=110)
    yield site
    site.stop()


def raw_client(site: FaultSite):
    """A client that leaves bytes as they are."""
    import redis

    return redis.Redis(unix_socket_path=site.broker.socket, protocol=2)


def rewrite(client, key: str, alter: Callable[[int, Fields], None]) -> None:
    """Put other fields in place of a stream's, entry by entry, under the same ids."""
    entries = client.xrange(key)
    with client.pipeline() as pipeline:
        pipeline.delete(key)
        for number, (id, fields) in enumerate(entries):
            alter(number, fields)
            pipeline.xadd(key, fields, id=id)
        pipeline.execute()


def flip(fields: Fields, at: int) -> None:
    """Turn one bit of the signed fields' byte number `at`, of their last one where they end."""
    at = min(at, signed_bytes(fields) - 1)
    for name in SIGNED:
        if at < len(fields[name]):
            altered = bytearray(fields[name])
            altered[at] ^= 1
            fields[name] = bytes(altered)
            return
        at -= len(fields[name])


def signed_bytes(fields: Fields) -> int:
    return sum(len(fields[name]) for name in SIGNED)


def hold(site: FaultSite, count: int, kind: str = "POST") -> list[Sent]:
    """So many requests that wait for a worker, behind those that do."""
    wanted = site.queue()["depth"] + count
    sent = [site.send(f"held{next(numbers)}", kind) for _ in range(count)]
    wait_until(lambda: site.queue()["depth"] == wanted, f"{wanted} wait", 60)
    return sent


def assert_refused(site: FaultSite, sent: list[Sent], status: int, times: int) -> None:
    """Each client has its answer at once; its request was run so many times."""
    outcomes = [one.outcome() for one in sent]
    assert {outcome.status for outcome in outcomes} == {status}
    assert max(outcome.seconds for outcome in outcomes) < PROMPTLY
    assert {site.times(one.nonce) for one in sent} == {times}


def test_each_byte_of_a_request(site):
    site.front()
    client = raw_client(site)
    (untouched,) = hold(site, 1, "GET")
    ((_, fields),) = client.xrange(QUEUE)
    sent = hold(site, signed_bytes(fields) + 20)  # a POST's are longer
    rewrite(client, QUEUE, lambda number, fields: number == 0 or flip(fields, number - 1))
    site.workers()
    assert_refused(site, sent, 503, 0)
    assert untouched.outcome().status == 200


def test_each_byte_of_a_reply(site):
    front = site.front()
    site.pause()
    site.workers()
    client = raw_client(site)
    size = _size_of_a_reply(site, client, front)
    # The first is on its way to the front when that stops.
    sent = hold(site, 1) + hold(site, size)
    with Frozen(front.pid):
        _run_all(site)
        rewrite(
            client, _replies(client), lambda number, fields: number == 0 or flip(fields, number - 1)
        )
    assert sent[0].outcome().status == 200
    assert_refused(site, sent[1:], 502, 1)


def _run_all(site: FaultSite) -> None:
    site.resume()

    def all_have_run() -> bool:
        queue = site.queue()
        return queue["in_flight"] == queue["depth"] == 0

    wait_until(all_have_run, "all have run", 60)


def _replies(client) -> bytes:
    (key,) = client.keys("{queueproxy}:replies:*")
    return key


def _size_of_a_reply(site: FaultSite, client, front) -> int:
    sent = hold(site, 2)
    with Frozen(front.pid):
        _run_all(site)
        fields = client.xrange(_replies(client))[-1][1]
        site.pause()
    assert [one.outcome().status for one in sent] == [200, 200]
    return signed_bytes(fields) + 8


def test_two_requests_swapped(site):
    site.front()
    site.workers()
    client = raw_client(site)
    for names in (SIGNED, *((name,) for name in SIGNED)):
        site.pause()
        sent = hold(site, 2)
        (_, one), (_, other) = client.xrange(QUEUE)
        swapped = [{name: fields[name] for name in names} for fields in (other, one)]
        rewrite(client, QUEUE, lambda number, fields, by=swapped: fields.update(by[number]))
        site.resume()
        assert_refused(site, sent, 503, 0)
