"""queueproxy slowest: the table, the JSON, and what they say where nothing was counted."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from queueproxy import conf
from queueproxy.broker.route_counts import Timed

from ..brokers import BrokerKit, counts_by_route


@pytest.fixture
async def site_kit(broker):
    kit = BrokerKit(broker.url, namespace=conf.get_settings().namespace)
    yield kit
    await kit.close()


def report(kit, *runs: tuple) -> None:
    args = counts_by_route([Timed(*run) for run in runs])
    kit.link().script("add_counts", "worker", "", 0, len(args) // 2, 0, 0, 0, *args)


def slowest(*words: str) -> str:
    out = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("queueproxy", "slowest", *words, stdout=out)
    assert end.value.code == 0
    return out.getvalue()


async def test_the_slowest_first(site_kit):
    fast = [("/fast/", 0.0, 0.003, False)] * 50
    slow = [("/slow/<int:id>/", 0.02, 2.0, False)] * 3
    report(site_kit, *fast, *slow, ("/bad/\x1b[31m", 0.0, 0.02, True))
    lines = slowest().splitlines()
    assert lines[0].startswith("Counted since ")
    header, first, *_ = lines[1:]
    names = "route req req/s run p50 p95 p99 wait p50 p95 p99 time 5xx"
    assert " ".join(header.split()) == names
    assert first.split()[:2] == ["/slow/<int:id>/", "3"]
    assert first.split()[-2:] == ["97%", "-"]
    assert "\x1b" not in "".join(lines)
    assert slowest("--sort", "rate", "--limit", "1").splitlines()[-1].startswith("/fast/")
    assert slowest("--sort", "errors").splitlines()[2].endswith("100%")
    assert slowest("--sort", "run_p99").splitlines()[2].startswith("/slow/")
    assert slowest("--sort", "route").splitlines()[2].startswith("/bad/")


async def test_where_there_is_no_room_routes_are_shortened_and_figures_are_not(site_kit):
    report(site_kit, *[(f"/{'long/' * 30}", 0.02, 2.0, True)] * 1234)
    row = slowest().splitlines()[-1]
    assert row.startswith("/long/")
    assert row.split()[1] == "1234"
    assert row.count("…") == 1
    assert row.split()[-2:] == ["100%", "100%"]


@pytest.mark.parametrize("window", ["15m", "1h", "6h", "1d", "7d", "30d"])
async def test_json(site_kit, window):
    report(site_kit, *[("/slow/", 0.02, 2.0, False)] * 3, ("/slow/", 0.02, 2.0, True))
    found = json.loads(slowest("--json", "--window", window))
    assert found["window"] == window
    (route,) = found["routes"]
    assert (route["route"], route["requests"], route["errors"]) == ("/slow/", 4, 1)
    assert (route["error_share"], route["time_share"]) == (0.25, 1.0)
    assert 1 <= route["run_p50_seconds"] <= route["run_p99_seconds"] <= 2.5
    assert 0.01 <= route["wait_p95_seconds"] <= 0.025


async def test_where_nothing_was_counted(site_kit):
    assert "No request was run" in slowest()
    assert json.loads(slowest("--json"))["routes"] == []


async def test_another_schema_is_refused(site_kit):
    site_kit.client.hset(site_kit.keys.state, mapping={"run": "x", "schema": "3"})
    with pytest.raises(CommandError) as error:
        call_command("queueproxy", "slowest")
    assert error.value.returncode == 2
