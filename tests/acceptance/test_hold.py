"""``hold`` with real commands: whatever becomes of them, the queues go on."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from queueproxy.cli.hold import HOLD_LEASE
from queueproxy.keys import Keys

from ..kit.waiting import PATIENCE, wait_until

KEYS = Keys("queueproxy")


@pytest.fixture(scope="module")
def server():
    return "uvicorn"


def hold(site, *words: str, options=(), **popen) -> subprocess.Popen:
    """Start it in a session of its own: without a terminal, as under a deploy script."""
    command = [sys.executable, "-m", "django", "queueproxy", "hold", *options, "--", *words]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    about = pipes | {"env": site.environ} | popen
    return subprocess.Popen(command, text=True, start_new_session=True, **about)


def paused(site) -> bool:
    return len(site.status()["paused"]) == 4  # the operators' lane too


def end_view(site, nonce: str) -> None:
    """Let the view that reads slowly go on."""
    site.ledger.with_name(nonce).touch()


def test_the_command_runs_while_nothing_else_does(site):
    site.front()
    site.workers("--threads", "2")
    running = site.in_background("GET", "/run/before/?seconds=1")
    wait_until(lambda: site.runs("before"), "a request that has started")
    ledger = site.ledger
    process = hold(site, "sh", "-c", f"wc -l < {ledger}; cat; echo late >&2; wc -l < {ledger}")
    wait_until(lambda: paused(site), "the pause")
    waiting = [site.in_background("GET", f"/run/during{n}/") for n in range(3)]
    wait_until(lambda: site.queue()["depth"] == 3, "requests that wait")
    assert running.result().status_code == 200
    out, err = process.communicate("from standard\0input\n", timeout=60)
    assert process.returncode == 0
    assert out == "1\nfrom standard\0input\n1\n"  # untouched, and nothing started meanwhile
    assert err.splitlines() == [
        "Paused ops, high, default, low; nothing is in flight.",
        "late",
        "Resumed ops, high, default, low.",
    ]
    assert [client.result().status_code for client in waiting] == [200] * 3


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 1", 1), ("exit 77", 77), ("kill -9 $$", 137)]
)
def test_its_exit_status_is_the_commands(site, script, status):
    process = hold(site, "sh", "-c", script)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert site.status()["paused"] == []


def test_options_of_the_command_are_its_own(site):
    process = hold(site, "printf", "%s|", "--wait", "--", "-x", options=("--timeout", "9"))
    out, _ = process.communicate(timeout=60)
    assert out == "--wait|--|-x|"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command(site, number):
    """The queues go on when the command has ended, and not before."""
    name = number.name.removeprefix("SIG")
    script = (
        f"trap 'echo cleaning; read line; exit 9' {name}; echo up; while :; do sleep 0.05; done"
    )
    process = hold(site, "sh", "-c", script)
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    assert process.stdout.readline() == "cleaning\n"
    assert paused(site)
    process.communicate("\n", timeout=60)
    assert process.returncode == 9
    assert site.status()["paused"] == []


def test_a_command_that_dies_of_the_signal(site):
    process = hold(site, "sh", "-c", "echo up; exec sleep 60")
    assert process.stdout.readline() == "up\n"
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert site.status()["paused"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_waits(serving, tmp_path, number):
    running = serving.in_background("GET", f"/read-slowly/long-{number}/")
    wait_until(lambda: serving.queue()["in_flight"] == 1, "a request in flight")
    process = hold(serving, "touch", str(tmp_path / "ran"))
    wait_until(lambda: paused(serving), "the pause")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == f"Interrupted by {number.name}; nothing was run."
    assert "Traceback" not in err
    assert not (tmp_path / "ran").exists()
    assert serving.status()["paused"] == []
    assert running.is_alive()
    end_view(serving, f"long-{number}")


def test_what_stays_in_flight_keeps_the_command_from_running(serving, tmp_path):
    serving.in_background("GET", "/read-slowly/long/")
    wait_until(lambda: serving.queue()["in_flight"] == 1, "a request in flight")
    process = hold(serving, "touch", str(tmp_path / "ran"), options=("--timeout", "0.5"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Waiting for 1 request in flight: GET /read-slowly/long/ (" in err
    assert "Still in flight after 0.5 s: 1; nothing was run." in err
    assert not (tmp_path / "ran").exists()
    assert serving.status()["paused"] == []
    end_view(serving, "long")


def test_a_command_that_can_not_be_started(site, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    process = hold(site, str(script))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Can't run" in err
    assert "Traceback" not in err
    assert site.status()["paused"] == []


def test_killed_its_pause_ends_by_itself(serving):
    process = hold(serving, "sh", "-c", "echo up; exec sleep 60")
    assert process.stdout.readline() == "up\n"
    client = serving.in_background("GET", "/run/patient/")
    wait_until(lambda: serving.queue()["depth"] == 1, "a request that waits")
    process.kill()  # and with it nobody renews
    try:
        assert client.result().status_code == 200
        assert serving.status()["paused"] == []
    finally:
        signal_group(process, signal.SIGKILL)
        process.communicate(timeout=10)


def signal_group(process: subprocess.Popen, number: int) -> None:
    """The command, which its killed parent left behind."""
    os.killpg(process.pid, number)


def test_it_lasts_as_long_as_its_command(site, tmp_path):
    """Longer than its lease: it is renewed."""
    ended = tmp_path / "ended"
    process = hold(site, "sh", "-c", f"echo up; sleep 12; touch {ended}")
    assert process.stdout.readline() == "up\n"
    while process.poll() is None:
        assert paused(site) or ended.exists()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # far less than a lapse would last
    out, err = process.communicate()
    assert (process.returncode, out) == (0, "")
    assert err.splitlines()[-1] == "Resumed ops, high, default, low."


def test_a_person_may_break_it_meanwhile(site, queueproxy):
    process = hold(site, "sh", "-c", "echo up; read line")
    assert process.stdout.readline() == "up\n"
    refused = queueproxy(site, "resume", "high")
    assert refused.returncode == 1
    assert "Still paused by the hold of" in refused.stderr
    assert "--break-hold" in refused.stderr
    assert "high" in site.status()["paused"]
    assert queueproxy(site, "resume", "high", "--break-hold").returncode == 0
    told = process.stderr.readline() + process.stderr.readline()
    assert "No longer paused: high. The command goes on." in told
    assert site.status()["paused"] == ["ops", "default", "low"]
    _, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert err == "Resumed ops, default, low.\n"


def test_all_of_it_may_be_broken_with_the_operators_lane(site, queueproxy):
    process = hold(site, "sh", "-c", "echo up; read line")
    assert process.stdout.readline() == "up\n"
    assert queueproxy(site, "resume").returncode == 1
    assert "Still paused by the hold of" in queueproxy(site, "resume", "ops").stderr
    assert len(site.status()["paused"]) == 4
    done = queueproxy(site, "resume", "--break-hold", "--rate", "5/s")
    assert (done.returncode, done.stdout) == (0, "Resumed ops, high, default, low at 5 a second.\n")
    assert site.status()["paused"] == []
    _, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert "Nothing was resumed." in err


def test_the_operators_lane_alone_may_be_broken_out(site, queueproxy):
    process = hold(site, "sh", "-c", "echo up; read line")
    assert process.stdout.readline() == "up\n"
    done = queueproxy(site, "resume", "ops", "--break-hold")
    assert (done.returncode, done.stdout) == (0, "Resumed ops.\n")
    assert site.status()["paused"] == ["high", "default", "low"]
    refused = queueproxy(site, "pause", "ops")
    assert (refused.returncode, "No queue 'ops'" in refused.stderr) == (2, True)
    process.communicate("\n", timeout=60)
    assert process.returncode == 0


def test_the_broker_goes_away_meanwhile(site):
    process = hold(site, "sh", "-c", "echo up; read line; exit 4")
    assert process.stdout.readline() == "up\n"
    site.broker.kill()
    _, err = process.communicate("\n", timeout=60)
    site.broker.start()
    assert process.returncode == 4
    assert "the pause ends by itself" in err


def test_a_renewal_that_was_refused_is_made_up_for_at_once(site):
    """Refused to the hold alone, while workers go on: its pause would end before its command."""
    site.broker.add_user("deploy", "secret")
    client = site.broker.client()
    environ = {"QUEUEPROXY_BROKER_URL": f"unix://deploy:secret@{site.broker.socket}"}
    process = hold(site, "sh", "-c", "echo up; read line", env=site.environ | environ)
    assert process.stdout.readline() == "up\n"
    renewed(client, lapses(client))
    client.execute_command("ACL", "SETUSER", "deploy", "-fcall")
    wait_until(lambda: any(told["username"] == "deploy" for told in client.acl_log()), "a refusal")
    refused = lapses(client)
    client.execute_command("ACL", "SETUSER", "deploy", "+fcall")
    renewed(client, refused, within=HOLD_LEASE / 5)  # its next turn is later
    process.communicate("\n", timeout=60)
    assert process.returncode == 0
    client.acl_log_reset()  # it was meant


def lapses(client) -> list:
    """When the one hold there is lapses."""
    return client.zrange(KEYS.holds, 0, 0, withscores=True)


def renewed(client, before: list, within: float = PATIENCE) -> None:
    """Wait until it lapses at another time than before."""
    wait_until(lambda: lapses(client) != before, "a renewal", within)
