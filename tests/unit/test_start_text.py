"""What a front and a worker say as they start."""

import pytest

from queueproxy import conf
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.cli.start_text import front_text, worker_text

OPTIONS = {"at_once": None, "threads": 2, "processes": 1, "queues": None, "graceful_timeout": 30.0}


@pytest.fixture(autouse=True)
def _secret_address(monkeypatch):
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, "rediss://me:s3cret@host:6380/4?password=s3cret")


def test_a_front():
    text = front_text(conf.Settings(namespace="shop", queues=("fast", "slow"), max_hold=30))
    assert text.splitlines() == [
        "Broker: rediss://host:6380/4 (namespace shop)",
        "Queues: fast, slow",
        "Limits: MAX_HOLD 30 s, MAX_DEPTH 10000, MAX_BODY 32 MiB, MAX_MEMORY 256 MiB, "
        "FRONT_MEMORY 256 MiB, FRONT_SPOOL 2048 MiB",
    ]


@pytest.mark.parametrize(
    ("options", "begin"),
    [
        ({}, "1 process of 2 threads. "),
        ({"processes": 3, "at_once": 50}, "3 processes of 50 requests at once. "),
    ],
)
def test_a_worker(options, begin):
    text = worker_text(conf.Settings(), OPTIONS | options)
    assert text.startswith(f"{begin}Broker: rediss://host:6380/4 (namespace queueproxy). ")
    assert "Queues: high, default, low. Limits: LEASE 15 s, MAX_ATTEMPTS 2, " in text
    assert "VIEW_TIMEOUT none, graceful timeout 30 s." in text


def test_a_worker_of_some_queues():
    text = worker_text(conf.Settings(view_timeout=20), OPTIONS | {"queues": ("low",)})
    assert "Queues: low. " in text
    assert "VIEW_TIMEOUT 20 s" in text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (BrokerAddress("redis://:p@ss@host/1"), "redis://host/1"),
        (BrokerAddress("unix://u:p@/run/s?db=2"), "unix:///run/s"),
        (BrokerAddress("redis://main/0", sentinels=[("h", 1)]), "redis://main/0 by Sentinel"),
    ],
)
def test_no_password_is_shown(address, shown):
    assert address.shown == shown
