"""What the benchmarks make of what they read: wrk, MONITOR; medians, bars and tables."""

import os
import subprocess
import sys

import pytest

from benchmarks import bars, broker, loads, report, results, rounds, scenario_tables, summary, wrk
from benchmarks.candidates import CANDIDATES, queued
from benchmarks.machine import cpu_model
from benchmarks.measure import Run
from benchmarks.scenarios import hold, soak

WRK = """\
Running 2s test @ http://127.0.0.1:8000/trivial/
  1 threads and 32 connections
  Thread SnapshotReader   Avg      Stdev     Max   +/- Stdev
    Latency     6.51ms    1.20ms  20.10ms   80.00%
    Req/Sec     4.80k   300.00     5.20k    70.00%
  9600 requests in 2.00s, 1.50MB read
  Non-2xx or 3xx responses: 4
Requests/sec:   4800.00
Transfer/sec:    768.00KB
RESULT {"requests": 9600, "microseconds": 2000000, "bytes": 1500000, "connect": 1, "read": 2, \
"write": 0, "timeout": 3, "status": 4, "p50": 6480, "p95": 9000, "p99": 12500, "max": 20100}
"""


def seen(per_second: float = 1000.0, *, p50=1.0, errors=0) -> wrk.Seen:
    return wrk.Seen(int(per_second * 2), 2.0, 10, errors, p50, 2.0, 3.0, 4.0)


def run(candidate="uvicorn", load="trivial-c32", number=1, per_second=1000.0, **more) -> Run:
    taken = {name: more.pop(name) for name in ("p50", "errors") if name in more}
    more = {"cpu": {"server": 0.5}, "memory": {"server": 50 << 20}, **more}
    return Run(candidate, load, number, seen(per_second, **taken), **more)


# wrk.


def test_wrk_output_is_read():
    result = wrk.parse(WRK)
    assert result.requests == 9600
    assert result.per_second == 4800.0
    assert (result.p50, result.p95, result.p99, result.worst) == (6.48, 9.0, 12.5, 20.1)
    assert result.errors == 1 + 2 + 0 + 3 + 4


def test_wrk_without_a_result_says_what_it_said():
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_no_time_is_no_rate():
    assert wrk.Seen(0, 0.0, 0, 0, 0, 0, 0, 0).per_second == 0.0


def test_missing_wrk_names_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(wrk.WrkMissing, match="apt-get install wrk"):
        wrk.require()


def test_a_shot_carries_cookie_and_body(monkeypatch):
    monkeypatch.setattr(wrk, "require", lambda: "wrk")
    words = wrk.Shot("http://a/", 8, 2.6, cookie="sessionid=x", body=100).command()
    assert words[:4] == ["wrk", "-t1", "-c8", "-d3s"]
    assert words[words.index("-H") + 1] == "Cookie: sessionid=x"
    assert words[-3:] == ["http://a/", "--", "100"]


def test_a_shot_of_many_paths_counts_them_up(monkeypatch):
    monkeypatch.setattr(wrk, "require", lambda: "wrk")
    words = wrk.Shot("http://a/numbered/9/", 8, 1, many_paths=True).command()
    assert words[words.index("-s") + 1].endswith("load_paths.lua")
    assert words[-1] == "http://a/numbered/9/"


def test_cpu_model():
    assert cpu_model("processor : 0\nmodel name\t: Quick 9000\nflags : a\n") == "Quick 9000"
    assert cpu_model("processor : 0\n")


# The broker's commands.

MONITOR = b"""\
+OK
+1700000000.1 [0 unix:/tmp/s] "BLPOP" "bell" "15"
+1700000000.2 [0 unix:/tmp/s] "fcall" "queueproxy_settle_and_claim" "1" "key] \\"odd\\""
+1700000000.3 [0 lua] "HGET" "a" "b"
+1700000000.4 [0 lua] "HGET" "a" "b"
+1700000000.5 [0 lua] "HGET" "a" "b"
+1700000000.6 [0 unix:/tmp/s] "HGET" "a" "b"
"""


def test_commands_of_scripts_are_told_from_those_of_clients():
    assert [name for name, by_client in broker.heard(MONITOR) if not by_client] == ["hget"] * 3
    assert broker.direct_shares(MONITOR) == {"blpop": 1.0, "fcall": 1.0, "hget": 0.25}


def test_only_what_clients_sent_is_counted():
    before = {"fcall": 10, "hget": 40, "info": 1}
    after = {"fcall": 20, "hget": 80, "info": 5, "xread": 3, "client|setname": 9}
    sent = broker.sent_by_clients(before, after, {"fcall": 1.0, "hget": 0.25})
    assert sent == 10 + 40 * 0.25 + 3


# Medians, bars, tables.


def test_rows_are_medians_with_all_errors():
    rates = (900.0, 1500.0, 1000.0)
    runs = [run(number=n, per_second=r, errors=n, p50=r) for n, r in enumerate(rates)]
    (row,) = summary.summarize(runs)
    assert (row.rounds, row.per_second, row.p50, row.errors) == (3, 1000.0, 1000.0, 0 + 1 + 2)


def test_what_was_measured_once_is_kept():
    (row,) = summary.summarize([run(commands_at_rest=2.5), run(number=2)])
    assert row.commands_at_rest == 2.5
    assert row.commands_per_request is None


def test_load_tables_have_a_row_for_each_candidate():
    three = {"front": 0.1, "worker": 0.25, "broker": 0.05}
    one = run("queued-uvicorn-1x1", cpu=three, memory=dict.fromkeys(three, 10 << 20))
    text = summary.load_tables(summary.summarize([run(), one]))
    lines = text.splitlines()
    assert lines[0] == "### trivial view, 32 clients (`trivial-c32`)"
    assert lines[4].startswith("| uvicorn | 1,000 | 1.00 | 2.00 | 3.00 | 0 | 0.500 |  | 50 |")
    assert "| 0.400 | front 0.100, worker 0.250, broker 0.050 | 30 |" in lines[5]
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_bars_hold_or_not():
    runs = [
        run("gunicorn-sync-1", per_second=1000.0),
        run("uvicorn", per_second=250.0),
        run("queued-uvicorn-1x1", per_second=999.0, commands_per_request=3.0),
    ]
    found = bars.bars(summary.summarize(runs), {})
    assert [(round(bar.figure, 3), bar.holds) for bar in found] == [
        (0.999, False),
        (3.996, False),
        (3.0, True),
    ]
    assert "| ≥ 1.00 times | 1.00 times | **no** |" in bars.bars_table(found)


def test_a_bar_without_its_figures_is_left_out():
    assert bars.bars(summary.summarize([run("queued-uvicorn-1x1")]), {}) == []


HELD = {
    "clients": 100,
    "held_seconds": 60.0,
    "arrival_seconds": 1.0,
    "statuses": {"200": 99, "0": 1},
    "worker_listed_seconds": 0.7,
    "first_answer_seconds": 0.9,
    "last_answer_seconds": 4.5,
    "answer_times": [0.9, 4.5],
    "memory": {},
    "front_bytes_per_client": 20_000.0,
    "broker_bytes_per_client": 1000.0,
}


def test_bars_of_a_hold():
    assert [bar.holds for bar in bars.bars([], {"hold-100": HELD})] == [False, True, True, False]


def test_threads_are_measured_against_one():
    rows = [{"threads": 1, "per_second": 20.0}, {"threads": 64, "per_second": 1200.0}]
    (bar,) = bars.bars([], {"threads": {"rows": rows}})
    assert bar.figure == pytest.approx(1200 / 1280)
    assert bar.holds


def test_priority_may_cost_three_times_and_one_running_request():
    result = {"alone": {"p99_ms": 2.0}, "flooded": {"p99_ms": 26.1}, "running_ms": 20}
    (bar,) = bars.bars([], {"priority": result})
    assert bar.bound == 26.0
    assert not bar.holds


def test_a_slow_view_beside_has_a_row_without_and_one_with_it():
    seen = {"p50_ms": 1.0, "p99_ms": 2.5, "worst_ms": 40.4, "per_second": 1234.0, "errors": 0}
    rows = [{"candidate": "a", "alone": seen, "beside": {**seen, "p99_ms": 7.0}}]
    result = {"rows": rows, "slow_ms": 500, "quick_connections": 8, "rounds": 3}
    *_, without, beside = scenario_tables.slow(result).splitlines()
    assert without == "| a | no | 1.00 | 2.50 | 40 | 1,234 | 0 |"
    assert beside == "| a | yes | 1.00 | 7.00 | 40 | 1,234 | 0 |"


def test_statistics_have_a_row_on_and_one_off_and_their_keys():
    one = {"per_second": 1000.0, "front_cpu_ms": 0.3, "worker_cpu_ms": 0.2, "broker_cpu_ms": 0.1}
    ratios = {"throughput_ratio": 0.995, "broker_cpu_ratio": 1.01}
    keys = [{"requests": n, "keys": 40, "bytes": 100} for n in (0, 1000)]
    result = {"watched": one, "unwatched": one, "rounds": 3, "paths": 10, "keys": keys} | ratios
    text = scenario_tables.statistics(result)
    assert "| on | 1,000 | 0.300 | 0.200 | 0.100 |" in text
    assert "0.995 of those without" in text
    assert text.endswith("| 0 | 40 | 100 |\n| 1,000 | 40 | 100 |\n")
    assert "keys" not in scenario_tables.statistics({**result, "keys": []})


def test_slope_is_taken_after_warm_up():
    mib = 1 << 20
    samples = [(0.0, 5 * mib), (100.0, 50 * mib), (300.0, 60 * mib), (900.0, 62 * mib)]
    assert soak.after_warm_up(samples) == samples[2:]
    assert soak.slope_per_ten_minutes(samples[2:]) == pytest.approx(2 * mib)
    assert soak.slope_per_ten_minutes(samples[:1]) == 0.0


def test_a_slope_is_what_most_samples_show():
    mib = 1 << 20
    leaking = [(60.0 * n, 50 * mib + n * mib) for n in range(20)]
    level = [(60.0 * n, 50 * mib + (20 * mib if n in (16, 18) else 0)) for n in range(20)]
    assert soak.slope_per_ten_minutes(leaking) == pytest.approx(10 * mib)
    assert soak.slope_per_ten_minutes(level) == 0.0


def test_more_connections_than_descriptors_are_refused():
    with pytest.raises(hold.TooMany, match="descriptors"):
        hold._raise_descriptors(1 << 40)


# Choosing and keeping.


def test_every_candidate_is_measured_under_every_load():
    chosen = rounds.choose("")
    assert [load for load, _ in chosen] == list(loads.LOADS)
    assert all(candidates == list(CANDIDATES) for _, candidates in chosen)


def test_a_choice_is_of_candidate_and_load():
    ((load, (candidate,)),) = rounds.choose("^daphne/trivial-c1$")
    assert (load.name, candidate.name) == ("trivial-c1", "daphne")


def test_processes_and_threads_reach_the_command():
    words = queued("daphne", 2, 16).commands(8000)
    assert words["worker"][-4:] == ["--processes", "2", "--threads", "16"]
    assert words["front"][-2:] == ["--server", "daphne"]


@pytest.mark.parametrize("settings", [loads.FULL, loads.BARE])
def test_the_sites_pass_the_checks_that_stop_a_worker(settings, tmp_path):
    """With the environment of `Deployment`."""
    environ = {"BENCH_DATA": str(tmp_path), "QUEUEPROXY_BROKER_URL": f"unix://{tmp_path}/s"}
    command = [sys.executable, "-m", "django", "check", "--settings", settings]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_runs_survive_their_file(tmp_path):
    runs = [run(), run("queued-uvicorn-1x1", commands_at_rest=1.5)]
    results.save(tmp_path, "rounds", {"cores": 2}, results.runs_as_json(runs))
    saved = results.load(tmp_path)
    assert saved["rounds"]["about"] == {"cores": 2}
    assert results.runs_from_json(saved["rounds"]["result"]) == runs


def test_the_page_tells_bars_results_and_machine():
    about = {
        "cores": 2,
        "cpu": "Quick 9000",
        "memory_gib": 4.0,
        "kernel": "6.1",
        "python": "3.11",
        "packages": {"django": "5.2"},
        "commit": "abc1234",
        "time": "2026-01-01T00:00:00+00:00",
        "load_before": 0.1,
    }
    rounds_of_one = results.runs_as_json([run("queued-uvicorn-1x1", commands_per_request=2.0)])
    saved = {
        "hold-100": {"about": about, "result": HELD},
        "rounds": {"about": about, "result": rounds_of_one},
    }
    text = report.page(saved, ["throughput.png"])
    assert "| broker commands per request at c=32 | ≤ 3.00 | 2.00 | yes |" in text
    assert "## 100 clients held for 60 s" in text
    assert "notes.md" not in text
    assert "(notes.md)" in report.page(saved, notes=True)
    assert "![throughput](throughput.png)" in text
    assert text.count("2 cores (Quick 9000), 4.0 GiB, Linux 6.1, Python 3.11; django 5.2.") == 1
    assert "- `rounds`: commit abc1234, 2026-01-01T00:00:00+00:00, load average" in text
