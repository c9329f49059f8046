"""Connections to real servers: what every link builds on, and every way to reach a server."""

import asyncio
import gc
import socket
import threading
import time

import pytest
from redis.exceptions import ResponseError

from queueproxy.broker.link.connect import (
    BrokerAddress,
    async_connection,
    server_info,
    sync_client,
    sync_connection,
)
from queueproxy.broker.link.links import BULKY, AsyncLink, Link
from queueproxy.exceptions import BrokerUnavailable
from queueproxy.keys import Keys

from ..kit.broker_server import BrokerServer
from ..kit.sentinels import SERVICE, Sentinels
from ..kit.waiting import wait_until
from ..tls import TlsServer

PASSWORD = "s3cret/with#signs"
PING = ("PING",)


@pytest.fixture
def target(broker):
    return BrokerAddress(broker.url)


def link(target: BrokerAddress) -> Link:
    return Link(target, Keys("connect"), "test", 1000)


async def ask(target: BrokerAddress, *command):
    """One command over an AsyncLink of its own."""
    asynchronous = AsyncLink(target, Keys("connect"), "test", 1000)
    try:
        (answer,) = await asynchronous.commands([command])
        return answer
    finally:
        await asynchronous.close()


# Many commands in one write; errors one by one; timeouts.


def test_many_commands_in_one_write_and_errors_in_between(target):
    connection = sync_connection(target, role="test")
    connection.connect()
    commands = [("SET", "a", b"\x00\xff"), ("LPOP", "a"), ("GET", "a")]
    connection.send_packed_command(connection.pack_commands(commands))
    assert connection.read_response(timeout=5) == b"OK"
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        connection.read_response(timeout=5)
    assert connection.read_response(timeout=5) == b"\x00\xff"
    connection.disconnect()


def test_a_link_that_waits_awake_connects_again():
    server = BrokerServer().start()
    try:
        blocking = Link(BrokerAddress(server.url), Keys("connect"), "test", 1000, spin=True)
        assert [blocking.commands([PING]) for _ in range(3)] == [[b"PONG"]] * 3
        server.kill()
        with pytest.raises(BrokerUnavailable):
            blocking.commands([PING])
        server.start()
        assert [blocking.commands([PING]) for _ in range(3)] == [[b"PONG"]] * 3
        assert blocking.commands([("BLPOP", "none", 0.05)], timeout=5.5) == [None]
        blocking.close()
    finally:
        server.stop()


@pytest.mark.parametrize("size", [BULKY, BULKY + 1, 3 * BULKY])
async def test_what_is_large_is_written_by_itself(target, size):
    value = bytes(range(256)) * (size // 256) + b"\r" * (size % 256)
    commands = [("SET", "a", value), ("GETRANGE", "a", 0, -1), ("SET", "b", 1.5), ("GET", "b")]
    answers = [b"OK", value, b"OK", b"1.5"]
    blocking, asynchronous = link(target), AsyncLink(target, Keys("connect"), "test", 1000)
    for bulky in (True, False):
        assert blocking.commands(commands, bulky=bulky) == answers
        assert await asynchronous.commands(commands, bulky=bulky) == answers
    blocking.close()
    await asynchronous.close()


async def test_many_commands_in_one_write_asynchronously(target):
    connection = async_connection(target, role="test")
    await connection.connect()
    commands = [("SET", "a", b"\x00\xff"), ("LPOP", "a"), ("GET", "a")]
    await connection.send_packed_command(connection.pack_commands(commands))
    assert await connection.read_response() == b"OK"
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await connection.read_response()
    assert await connection.read_response() == b"\x00\xff"
    await connection.disconnect()


def test_a_read_may_take_longer_than_the_connections_own_timeout(target):
    connection = sync_connection(BrokerAddress(target.url), role="test")
    connection.socket_timeout = 0.2
    connection.connect()
    connection.send_command("BLPOP", "nothing", 1)
    assert connection.read_response(timeout=5) is None  # the server's answer: nothing came
    connection.disconnect()


def test_a_read_ends_in_its_time_and_the_late_answer_is_never_read(target):
    blocking = link(target)
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        blocking.commands([("BLPOP", "nothing", 20)], timeout=0.2)
    assert time.monotonic() - began < 10
    assert blocking.commands([("ECHO", "mine")]) == [b"mine"]
    blocking.close()


def test_connections_speak_resp2_and_say_who_they_are(target, broker):
    connection = sync_connection(target, role="somebody")
    connection.connect()
    (client,) = [c for c in broker.client().client_list() if c["name"] == "queueproxy:somebody"]
    assert client["resp"] == "2"
    connection.disconnect()


# Servers that are away, frozen, or refuse.


def test_a_frozen_server_holds_nobody(target, broker):
    blocking = link(target)
    broker.freeze()
    rescue = threading.Timer(15, broker.thaw)  # so that a hang fails and does not hang
    rescue.start()
    try:
        with pytest.raises(BrokerUnavailable):
            blocking.commands([PING], timeout=0.5)
    finally:
        rescue.cancel()
        broker.thaw()
    assert blocking.commands([PING]) == [b"PONG"]
    blocking.close()


async def test_a_frozen_server_holds_nobody_asynchronously(target, broker):
    broker.freeze()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(BrokerUnavailable):
                await ask(target, *PING)
    finally:
        broker.thaw()


@pytest.mark.parametrize("url", ["redis://:{password}@127.0.0.1:{port}/0", "unix:///nowhere/s"])
async def test_an_absent_server_is_told_in_one_line_without_a_password(url):
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        target = BrokerAddress(url.format(password="s3cret", port=taken.getsockname()[1]))
        for attempt in (
            lambda: server_info(target),
            lambda: link(target).commands([PING]),
        ):
            with pytest.raises(BrokerUnavailable) as error:
                attempt()
            told(error.value)
        with pytest.raises(BrokerUnavailable) as error:
            await ask(target, *PING)
        told(error.value)


def told(error: BrokerUnavailable) -> None:
    assert str(error)
    assert "\n" not in str(error)
    assert "s3cret" not in str(error)


def test_a_target_shows_no_password():
    target = BrokerAddress(
        f"redis://user:{PASSWORD}@host:1/0?password={PASSWORD}", {"password": PASSWORD}
    )
    assert repr(target) == "<BrokerAddress redis://host:1/0>"


def test_a_link_connects_again_after_the_server_has_died():
    server = BrokerServer().start()
    try:
        blocking = link(BrokerAddress(server.url))
        assert blocking.commands([PING]) == [b"PONG"]
        server.kill()
        with pytest.raises(BrokerUnavailable):
            blocking.commands([PING])
        server.start()
        assert blocking.commands([PING]) == [b"PONG"]
        blocking.close()
    finally:
        server.stop()


# Passwords, TLS and Sentinel.


@pytest.mark.parametrize(
    "make",
    [
        lambda url: BrokerAddress(url, {"password": PASSWORD}),
        lambda url: BrokerAddress(f"{url}?password=s3cret%2Fwith%23signs"),
    ],
)
async def test_a_password_from_the_options_or_the_address(broker, make):
    broker.client().config_set("requirepass", PASSWORD)
    target = make(broker.url)
    try:
        assert server_info(target)["role"] == "master"
        assert await ask(target, *PING) == b"PONG"
        with pytest.raises(BrokerUnavailable) as error:
            server_info(BrokerAddress(broker.url, {"password": "s3cret"}))
        told(error.value)
    finally:
        sync_client(target).config_set("requirepass", "")


@pytest.fixture
def tls_server(tmp_path):
    server = TlsServer(tmp_path)
    try:
        yield server.start()
    finally:
        server.stop()


async def test_tls_with_a_certificate_that_is_checked(tls_server):
    target = BrokerAddress(tls_server.tls_url, {"ssl_ca_certs": tls_server.authority})
    assert server_info(target)["role"] == "master"
    assert await ask(target, *PING) == b"PONG"
    with pytest.raises(BrokerUnavailable, match=r"(?i)certificate"):
        server_info(BrokerAddress(tls_server.tls_url))


@pytest.fixture(scope="module")
def sentinels():
    group = Sentinels(password="s3cret")
    try:
        yield group.start()
    finally:
        group.stop()


def by_sentinel(group: Sentinels, url=f"redis://{SERVICE}/2", **options) -> BrokerAddress:
    return BrokerAddress(url, options, sentinels=(("127.0.0.1", group.ports[0]),))


async def test_sentinel_tells_where_the_primary_is_at_each_connect(sentinels):
    target = by_sentinel(sentinels, password="s3cret")
    blocking = sync_connection(target, role="test")
    asynchronous = async_connection(target, role="test")
    gc.collect()  # a connection must not hang on a pool that nobody keeps
    kept = link(target)
    assert kept.commands([("SET", "a", 1)]) == [b"OK"]

    for find in (Sentinels.primary_port, fail_over):
        expected = find(sentinels)
        blocking.connect()
        await asynchronous.connect()
        assert (blocking.port, asynchronous.port) == (expected, expected)
        blocking.disconnect()
        await asynchronous.disconnect()

    # A link that stayed is told by the old primary, and finds the new one by itself.
    wait_until(
        lambda: writes(kept) and kept._connection.port == expected,
        "the link writes to the new primary",
        40,
    )
    kept.close()


def fail_over(group: Sentinels) -> int:
    """Where the primary is afterwards."""
    group.fail_over()
    return group.primary_port()


def writes(blocking: Link) -> bool:
    try:
        return blocking.commands([("SET", "a", 1)]) == [b"OK"]
    except BrokerUnavailable:
        return False


@pytest.mark.parametrize(
    "url", [f"redis://:s3cret@{SERVICE}/2", f"redis://{SERVICE}/2?password=s3cret"]
)
def test_sentinel_with_password_and_database_in_the_address(sentinels, url):
    client = sync_client(by_sentinel(sentinels, url), role="elsewhere")
    assert client.client_info()["db"] == 2


def test_a_service_the_sentinel_does_not_know(sentinels):
    target = by_sentinel(sentinels, "redis://:s3cret@unknown/0")
    with pytest.raises(BrokerUnavailable, match="unknown") as error:
        server_info(target)
    told(error.value)


async def test_sentinels_away_are_not_tried_again_and_again():
    target = BrokerAddress(
        f"redis://:s3cret@{SERVICE}/0",
        sentinels=(("127.0.0.1", 1),),
        sentinel_options={"password": "s3cret"},
    )
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match="No master found") as error:
        server_info(target)
    told(error.value)
    with pytest.raises(BrokerUnavailable, match="No master found") as error:
        await ask(target, *PING)
    told(error.value)
    assert time.monotonic() - began < 2
