"""What deploy/broker says: a real server takes it, and the settings lead where they should."""

import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis
from django.core.checks import run_checks

from queueproxy import conf
from queueproxy.broker.link import connect

from ..kit.broker_server import WANTED, binary
from ..kit.ports import free_port
from ..kit.waiting import wait_until
from ..tls import TlsServer
from .tools import DEPLOY

FILES = DEPLOY / "broker"


@pytest.fixture
def directory():
    directory = Path(tempfile.mkdtemp(prefix="qpbroker-"))  # short enough for a socket's path
    yield directory
    shutil.rmtree(directory)


def started(words: list[str], client: redis.Redis) -> subprocess.Popen:
    """Start a server and wait until it answers."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: answers(client), "the server answers")
    return process


def answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.RedisError:
        return False


def test_the_server_takes_it_and_the_checks_find_nothing(directory, monkeypatch):
    config = directory / "valkey.conf"
    text = (FILES / "valkey.conf").read_text().replace("/run/valkey", str(directory))
    config.write_text(f"{text}\ndir {directory}\n")
    socket = directory / "valkey.sock"
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True, protocol=2)
    process = started([binary(WANTED), str(config)], client)
    try:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        monkeypatch.setenv(conf.BROKER_URL_VARIABLE, f"unix://{socket}")
        found = run_checks(include_deployment_checks=True, tags=["queueproxy"])
        about_it = {"queueproxy.E009", "queueproxy.E010", "queueproxy.W003", "queueproxy.W005"}
        assert not about_it & {message.id for message in found}
    finally:
        process.kill()
        process.wait()


def test_a_sentinel_takes_it(directory):
    config = directory / "sentinel.conf"
    port = free_port()
    text = (FILES / "sentinel.conf").read_text()
    text = text.replace("port 26379", f"port {port}").replace("10.0.0.1", "127.0.0.1")
    config.write_text(f"{text}\nbind 127.0.0.1\ndir {directory}\n")
    client = redis.Redis(port=port, decode_responses=True, protocol=2)
    process = started([binary(), str(config), "--sentinel"], client)
    try:
        assert client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "queue")
    finally:
        process.kill()
        process.wait()


def caches_of(name: str) -> dict:
    """What a settings file says."""
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CACHES


def test_the_sentinels_are_found_in_the_settings(settings, monkeypatch):
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE, raising=False)
    settings.CACHES = {**settings.CACHES, **caches_of("sentinel_settings")}
    address = conf.broker().address
    assert connect.flaw_of(address) is None
    monitored = [
        line for line in (FILES / "sentinel.conf").read_text().splitlines() if "monitor" in line
    ]
    assert [line.split()[2] for line in monitored] == ["queue"]
    assert address.url == "redis://queue/0"
    assert [port for _, port in address.sentinels] == [26379] * 3


def test_a_server_is_reached_by_tls(settings, monkeypatch, tmp_path):
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE, raising=False)
    server = TlsServer(tmp_path).start()
    try:
        monkeypatch.setenv("QUEUE_URL", server.tls_url)
        monkeypatch.setenv("QUEUE_CA", server.authority)
        settings.CACHES = {**settings.CACHES, **caches_of("tls_settings")}
        assert connect.server_info(conf.broker().address)["redis_version"]
    finally:
        server.stop()


def test_the_environment_file_names_no_secret_of_ours():
    lines = (DEPLOY / "systemd" / "environment").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert values["SECRET_KEY"] == "change-me"
    assert connect.flaw_of(connect.BrokerAddress(values["QUEUEPROXY_BROKER_URL"])) is None
